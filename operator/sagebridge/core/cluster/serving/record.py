"""What the status of an Endpoint on the cluster records, so that any process can go on with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Where the rollout stands.

    Attributes:
        good: the newest revision that was rolled out whole; empty before the first.
        target: the revision that is being rolled out, or was last.
        key: the target, and which try at it.
        since: RFC 3339 time from which on it is.
        failed: the key of the target that has failed; empty if none has since the last one that has not.
        failure: why.
        failed_at: RFC 3339 time.
    """

    good: str = ""
    target: str = ""
    key: str = ""
    since: str = ""
    failed: str = ""
    failure: str = ""
    failed_at: str = ""

    @classmethod
    def parse(cls, status: Mapping[str, Any]) -> Record:
        """From a status."""
        update, failure = status.get("update") or {}, status.get("lastFailure") or {}
        is_open = not failure.get("resolved")
        return cls(
            good=str(status.get("endpointConfigName") or ""),
            target=str(update.get("endpointConfigName") or ""),
            key=str(update.get("key") or ""),
            since=str(update.get("recordedAt") or ""),
            failed=str(failure.get("key") or "") if is_open else "",
            failure=str(failure.get("message") or "") if is_open else "",
            failed_at=str(failure.get("time") or "") if is_open else "",
        )

    def dump(self) -> dict[str, Any]:
        """The fields of status; None takes one out."""
        update = {"key": self.key, "recordedAt": self.since, "endpointConfigName": self.target}
        failure = {"key": self.failed, "message": self.failure, "time": self.failed_at}
        return {
            "endpointConfigName": self.good or None,
            "update": update if self.key else None,
            "lastFailure": failure if self.failed else None,
        }

    def begun(self, *, target: str, key: str, now: str) -> Record:
        """A revision is to be rolled out."""
        return replace(self, target=target, key=key, since=now, failed="", failure="", failed_at="")

    def rejected(self, *, failure: str, now: str) -> Record:
        """What was to be rolled out can't serve."""
        return replace(self, failed=self.key, failure=failure, failed_at=now)

    def reached(self) -> Record:
        """What was to be rolled out serves."""
        return replace(self, good=self.target, failed="", failure="", failed_at="")

    @property
    def has_failed(self) -> bool:
        """Whether the target can't serve."""
        return bool(self.failed) and self.failed == self.key

    @property
    def goes_back(self) -> bool:
        """Whether an earlier revision is to serve instead of the target."""
        return self.has_failed and bool(self.good) and self.good != self.target
