"""What was called: counters and a bounded log, for tests that compare behaviours."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any, Final

LOG_LENGTH: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """One request to SageMaker.

    Attributes:
        time: when it came, in seconds since the epoch on the service's clock.
        operation: the API's name.
        name: the resource that it names, or an empty string.
        account: whose it was.
        region: where.
        outcome: OK, the error's code, or Dropped for a connection closed before it was handled.
        delivered: whether the reply was sent; a handled call may have lost its reply.
    """

    time: float
    operation: str
    name: str
    account: str
    region: str
    outcome: str
    delivered: bool = True


class CallLog:
    """Counts every call; keeps the last ones."""

    def __init__(self, *, length: int = LOG_LENGTH) -> None:
        self._log: deque[LoggedCall] = deque(maxlen=length)
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._objects: Counter[tuple[str, str, str]] = Counter()

    def add(self, call: LoggedCall) -> None:
        """Note a call."""
        self._log.append(call)
        self._outcomes[call.operation, call.outcome] += 1
        if call.name:
            self._objects[call.name, call.operation, call.outcome] += 1

    def clear(self) -> None:
        """Forget everything."""
        self._log.clear()
        self._outcomes.clear()
        self._objects.clear()

    def counters(self) -> dict[str, Any]:
        """Totals: `operations` {operation: {outcome: n}}, `objects` {name: {operation: {outcome: n}}}, `total`."""
        operations: dict[str, dict[str, int]] = {}
        for (operation, outcome), count in self._outcomes.items():
            operations.setdefault(operation, {})[outcome] = count
        objects: dict[str, dict[str, dict[str, int]]] = {}
        for (name, operation, outcome), count in self._objects.items():
            objects.setdefault(name, {}).setdefault(operation, {})[outcome] = count
        return {"total": sum(self._outcomes.values()), "operations": operations, "objects": objects}

    def log(self, *, limit: int | None = None) -> list[dict[str, Any]]:
        """The last calls, oldest first."""
        calls = list(self._log)
        return [asdict(call) for call in (calls if limit is None else calls[-limit:])]
