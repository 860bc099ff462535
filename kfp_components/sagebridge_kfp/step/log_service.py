"""The operator's log service, as it is asked once: one request, and what comes of it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3

from sagebridge_kfp.step.lines import lines

CA_KEY: Final = "ca.crt"
"""Where the ConfigMap has the authority that has signed the service's certificate."""

OWN_TOKEN: Final = Path("/var/run/secrets/sagebridge.io/logs/token")
"""Where a pod may have a token that is meant for the log service alone; it is renewed there."""

_LONGEST_RETRY_AFTER_SECONDS: Final = 60.0
_OK: Final = 200
_UNAUTHORIZED, _NOT_BEGUN, _TOO_MANY = 401, 409, 429


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """Where an object's log is served, as its ``status.logs.service`` tells.

    Attributes:
        url: the service's address.
        namespace: that of the ConfigMap.
        config_map: the name of the ConfigMap with the certificate authority.
        path: the log's path below the address.
    """

    url: str
    namespace: str
    config_map: str
    path: str

    @classmethod
    def parse(cls, body: Mapping[str, Any], *, plural: str) -> Where | None:
        """From the object; None while it tells of no service."""
        service = ((body.get("status") or {}).get("logs") or {}).get("service") or {}
        if not service.get("url"):
            return None
        metadata = body["metadata"]
        return cls(
            url=str(service["url"]).rstrip("/"),
            namespace=str(service.get("namespace", "")),
            config_map=str(service.get("configMap", "")),
            path=f"/v1/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}/logs",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """A line of the log, and how to ask for what follows it.

    Attributes:
        message: the line.
        cursor: what to ask with for the lines after it.
        stream: where it was written: CloudWatch's log stream, whose name begins with the job's, or the pod.
    """

    message: str
    cursor: str
    stream: str

    @property
    def job(self) -> str:
        """The job of SageMaker that wrote it: of a search, the trial's training job."""
        return self.stream.partition("/")[0]


class LogServiceError(Exception):
    """No more lines came for now."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotBegunError(LogServiceError):
    """The job has not begun, so that there is no log."""


class RefusedError(LogServiceError):
    """The service will not answer this caller."""


class UnauthorizedError(RefusedError):
    """The service does not know the caller's token, which another one may mend."""


def own_token(otherwise: Callable[[], str]) -> str:
    """The token that is meant for the log service alone, if the pod has one; otherwise that for the API server.

    Raises:
        OSError: there is one, and it can't be read: no other is shown in its place.
    """
    try:
        return OWN_TOKEN.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return otherwise()


class LogService:
    """Asks for a log.

    Args:
        where: where it is served.
        authority: gives the certificate authority, in PEM.
        token: gives the token to show.
        read_seconds: how long the service may be silent; it sends blank lines in between.
    """

    def __init__(
        self, where: Where, *, authority: Callable[[], str], token: Callable[[], str], read_seconds: float = 60.0
    ) -> None:
        self._where = where
        self._authority = authority
        self._token = token
        self._timeout = urllib3.Timeout(connect=5.0, read=read_seconds)

    def follow(self, *, after: str = "", tail: int | None = None) -> Generator[LogLine | None]:
        """Yield lines as they come, and None when the service answers without one; ends with the log.

        Args:
            after: the cursor of the last line that was seen; empty for all lines.
            tail: of the lines that are there already, how many, counted from the end; None for all.

        Raises:
            LogServiceError: it can't be reached, or broke off.
            NotBegunError: the job has not begun.
            RefusedError: it will not answer.
        """
        try:
            with self._pool() as pool:
                yield from self._read(self._ask(pool, after=after, tail=tail))
        except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            raise LogServiceError(f"{type(error).__name__}: {error}") from error

    def _pool(self) -> urllib3.PoolManager:
        if not self._where.url.startswith("https://"):
            raise RefusedError(f"A token is shown by HTTPS only, and the address is {self._where.url}.")
        authority = self._authority()
        if not authority.strip():
            # An empty one would mean the authorities of the system, whom nobody has named.
            raise LogServiceError(f"The ConfigMap {self._where.config_map} has no certificate authority yet.")
        context = ssl.create_default_context(cadata=authority)
        return urllib3.PoolManager(ssl_context=context, retries=False, timeout=self._timeout)

    def _ask(self, pool: urllib3.PoolManager, *, after: str, tail: int | None) -> urllib3.BaseHTTPResponse:
        fields = {"follow": "true"}
        if after:
            fields["after"] = after
        elif tail is not None:
            fields["tail"] = str(tail)
        token = self._token()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        response = pool.request(
            "GET",
            self._where.url + self._where.path,
            fields=fields,
            headers=headers,
            preload_content=False,
            redirect=False,
        )
        if response.status != _OK:
            raise _refusal(response)
        return response

    def _read(self, response: urllib3.BaseHTTPResponse) -> Iterator[LogLine | None]:
        yield None
        for line in lines(response):
            if not line.strip():
                yield None
                continue
            entry = json.loads(line)
            if "end" in entry:
                return
            if "error" in entry:
                raise LogServiceError(str(entry["error"]))
            yield LogLine(message=str(entry["message"]), cursor=str(entry["cursor"]), stream=str(entry["stream"]))
        raise LogServiceError("It broke off before the log's end.")


def _refusal(response: urllib3.BaseHTTPResponse) -> LogServiceError:
    said = " ".join(response.read(500).decode(errors="replace").split())
    response.close()
    message = f"It answered {response.status}{': ' if said else ''}{said}"
    if response.status == _NOT_BEGUN:
        return NotBegunError(message)
    if response.status == _TOO_MANY:
        return LogServiceError(message, retry_after=_retry_after(response.headers.get("Retry-After", "")))
    if response.status == _UNAUTHORIZED:
        return UnauthorizedError(message)
    if response.status >= 500:
        return LogServiceError(message, retry_after=_retry_after(response.headers.get("Retry-After", "")))
    return RefusedError(message)


def _retry_after(header: str) -> float:
    return min(float(header), _LONGEST_RETRY_AFTER_SECONDS) if header.strip().isdecimal() else 0.0
