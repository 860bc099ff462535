"""A small synchronous client of the admin API, for tests and benchmarks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

# A proxy that the environment names has no business with a loopback address.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class AdminError(Exception):
    """The server refused a request."""


class AdminClient:
    """Drives a local SageMaker.

    Args:
        url: where the server listens, such as http://127.0.0.1:4566.
        timeout: how long to wait for a reply, in seconds.
    """

    def __init__(self, url: str, *, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._timeout = timeout

    def health(self) -> dict[str, Any]:
        """`status`, `mode`, `now` (the server's time) and the number of `jobs`."""
        return self._call("GET", "health")

    def fault(self, kind: str, **facts: Any) -> None:
        """Put a fault in force; see `sagebridge_local.sagemaker.faults.Fault` for kinds and facts."""
        self._call("POST", "faults", {"kind": kind, **facts})

    def faults(self) -> list[dict[str, Any]]:
        """The faults in force, with how often each matched and hit."""
        listed: list[dict[str, Any]] = self._call("GET", "faults")["faults"]
        return listed

    def clear_faults(self) -> None:
        """End all faults."""
        self._call("DELETE", "faults")

    def calls(self) -> dict[str, Any]:
        """Counters: `total`, `operations` {operation: {outcome: n}}, `objects` {name: {operation: {outcome: n}}}."""
        return self._call("GET", "calls")

    def count(self, operation: str, *, name: str | None = None, outcome: str | None = None) -> int:
        """How often an operation was called, of all or of one resource, with any or one outcome."""
        counted = self.calls()
        operations = counted["operations"] if name is None else counted["objects"].get(name, {})
        outcomes: dict[str, int] = operations.get(operation, {})
        return sum(outcomes.values()) if outcome is None else outcomes.get(outcome, 0)

    def log(self, *, limit: int | None = None) -> list[dict[str, Any]]:
        """The last calls, oldest first; see `sagebridge_local.sagemaker.calls.LoggedCall`."""
        logged: list[dict[str, Any]] = self._call("GET", f"calls?log={100_000 if limit is None else limit}")["log"]
        return logged

    def clear_calls(self) -> None:
        """Set the counters and the log back."""
        self._call("DELETE", "calls")

    def advance(self, seconds: float) -> float:
        """Move the clock forward and let happen what was due; returns the server's time."""
        return float(self._call("POST", "clock/advance", {"seconds": seconds})["now"])

    def jobs(self, *, foreign: bool = False) -> list[dict[str, Any]]:
        """Every job in every account and region, oldest first; the seeded ones only if asked for."""
        listed: list[dict[str, Any]] = self._call("GET", f"jobs?foreign={str(foreign).lower()}")["jobs"]
        return listed

    def seed(self, count: int, **facts: Any) -> int:
        """Add finished jobs of others; see `sagebridge_local.sagemaker.history.History`."""
        return int(self._call("POST", "seed", {"count": count, **facts})["added"])

    def outcome(self, name: str, **script: Any) -> None:
        """Script the jobs whose name fits a glob; see `sagebridge_local.sagemaker.runners.scripted.Script`."""
        self._call("POST", f"jobs/{quote(name, safe='')}/outcome", script)

    def interrupt(self, name: str, *, seconds: float | None = None) -> None:
        """Take a job's spot instances away for some seconds."""
        self._call("POST", f"jobs/{quote(name, safe='')}/interrupt", {} if seconds is None else {"seconds": seconds})

    def fail(self, name: str, *, reason: str) -> None:
        """End a job at once as Failed."""
        self._call("POST", f"jobs/{quote(name, safe='')}/fail", {"reason": reason})

    def endpoints(self) -> list[dict[str, Any]]:
        """Every endpoint in every account and region, with the fleet that is to replace its own."""
        listed: list[dict[str, Any]] = self._call("GET", "endpoints")["endpoints"]
        return listed

    def endpoint_outcome(self, name: str, **script: Any) -> None:
        """Script the endpoints whose name fits a glob; see `endpoints.hosting.EndpointScript`."""
        self._call("POST", f"endpoints/{quote(name, safe='')}/outcome", script)

    def fail_endpoint(self, name: str, *, reason: str) -> None:
        """Let the deployment of an endpoint that is under way fail."""
        self._call("POST", f"endpoints/{quote(name, safe='')}/fail", {"reason": reason})

    def maintain_endpoint(self, name: str, *, seconds: float) -> None:
        """Put an endpoint into SystemUpdating for so long."""
        self._call("POST", f"endpoints/{quote(name, safe='')}/maintain", {"seconds": seconds})

    def quotas(self, named: str | None = None, **quotas: Any) -> None:
        """Put other quotas in force: `aws`, `off`, or the members of a quota file."""
        self._call("POST", "quotas", {"named": named} if named else quotas)

    def settings(self, **changes: float) -> None:
        """Change latency_seconds, list_lag_seconds or capacity_wait_seconds."""
        self._call("POST", "settings", changes)

    def reset(self) -> None:
        """Return the server to the state of a fresh start."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}/_sagebridge/{path}", data=body, method=method)  # noqa: S310
        try:
            with _DIRECT.open(request, timeout=self._timeout) as reply:
                answered: dict[str, Any] = json.load(reply)
                return answered
        except urllib.error.HTTPError as error:
            raise AdminError(json.load(error).get("error", str(error))) from error
