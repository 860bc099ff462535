"""Faults that are injected into chosen calls."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THROTTLE: Final = "throttle"
ERROR: Final = "error"
SERVER_ERROR: Final = "server-error"
ACCESS_DENIED: Final = "access-denied"
SLOW: Final = "slow"
DROP: Final = "drop"
LOST_REPLY: Final = "lost-reply"
MALFORMED: Final = "malformed"
CAPACITY: Final = "capacity"
KINDS: Final = (THROTTLE, ERROR, SERVER_ERROR, ACCESS_DENIED, SLOW, DROP, LOST_REPLY, MALFORMED, CAPACITY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, with which calls, and how often.

    Attributes:
        kind: `throttle` (400 Rate exceeded), `error` (code, message and status), `server-error` (500), `access-denied`,
            `slow` (answers after `seconds`), `drop` (closes the connection, nothing is done), `lost-reply` (does it,
            then closes the connection), `malformed` (does it, answers with `body`), `capacity` (a Create is accepted
            and the job fails with a CapacityError).
        operation: a glob of operations.
        name: a glob of resource names.
        probability: of each matching call to be hit.
        count: how many calls are hit before the fault is spent; None for all.
        after: how many matching calls pass unharmed first.
        seconds: the delay of `slow`.
        code: the error's code.
        message: the error's message.
        status: the error's HTTP status.
        body: the malformed body.
    """

    kind: str
    operation: str = "*"
    name: str = "*"
    probability: float = 1.0
    count: int | None = None
    after: int = 0
    seconds: float = 0.0
    code: str = ""
    message: str = ""
    status: int = 0
    body: str = "<html><body>502 Bad Gateway</body></html>"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault's kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        if not 0.0 <= self.probability <= 1.0 or self.after < 0 or (self.count is not None and self.count < 1):
            raise ValueError("probability must lie between 0 and 1, after must be 0 or more, count 1 or more")
        if self.kind == ERROR and not self.code:
            raise ValueError("an error fault needs a code")

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Fault:
        """Read a fault of the admin API.

        Raises:
            ValueError: a member is unknown, or does not fit.
        """
        unknown = content.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**content)

    def error(self, operation: str) -> errors.ServiceError | None:
        """The error that the call gets instead of being handled, or None."""
        if self.kind == THROTTLE:
            return errors.throttled()
        if self.kind == ERROR:
            return errors.ServiceError(self.code, self.message or self.code, status=self.status or 400)
        if self.kind == SERVER_ERROR:
            text = self.message or "An internal failure occurred"
            return errors.ServiceError(self.code or errors.INTERNAL_FAILURE, text, status=self.status or 500)
        if self.kind == ACCESS_DENIED:
            return errors.ServiceError(errors.ACCESS_DENIED, self.message or _denied(operation))
        return None


def _denied(operation: str) -> str:
    return (
        "User: arn:aws:sts::123456789012:assumed-role/local/session is not authorized to perform: "
        f"sagemaker:{operation} because no identity-based policy allows the sagemaker:{operation} action"
    )


@dataclass(slots=True)
class _Armed:
    fault: Fault
    matched: int = 0
    hits: int = 0


class Faults:
    """The faults in force."""

    def __init__(self, *, chance: Callable[[], float] = random.random) -> None:
        self._armed: list[_Armed] = []
        self._chance = chance

    def add(self, fault: Fault) -> None:
        """Put a fault in force."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """End all faults."""
        self._armed.clear()

    def listed(self) -> list[dict[str, Any]]:
        """The faults in force, with how often each matched and hit."""
        return [
            {field.name: getattr(armed.fault, field.name) for field in fields(Fault)}
            | {"matched": armed.matched, "hits": armed.hits}
            for armed in self._armed
        ]

    def strike(self, *, operation: str, name: str) -> list[Fault]:
        """The faults that hit this call, in the order in which they were added."""
        return [armed.fault for armed in list(self._armed) if self._hits(armed, operation, name)]

    def _hits(self, armed: _Armed, operation: str, name: str) -> bool:
        fault = armed.fault
        if not (fnmatchcase(operation, fault.operation) and fnmatchcase(name, fault.name)):
            return False
        armed.matched += 1
        spent = fault.count is not None and armed.hits >= fault.count
        if spent or armed.matched <= fault.after or self._chance() >= fault.probability:
            return False
        armed.hits += 1
        return True
