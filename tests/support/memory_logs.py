"""CloudWatch Logs in memory, as the operator's code calls AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import AwsError


class MemoryLogs:
    """Has log streams, and gives them page by page.

    Attributes:
        page: Lines on a page.
        asked: The calls that came: operation, namespace of the object, and stream.
        refusals: Codes that the next calls are refused with.
        in_account: The account that calls lead to.
    """

    def __init__(self, *, page: int = 1000) -> None:
        self.page = page
        self.asked: list[tuple[str, str, str]] = []
        self.refusals: list[str] = []
        self.in_account = "123456789012"
        self._streams: dict[tuple[str, str], list[tuple[int, str]]] = {}

    def put(self, group: str, stream: str, *lines: tuple[int, str]) -> None:
        """Let a stream have more lines, each with its time in milliseconds."""
        self._streams.setdefault((group, stream), []).extend(lines)

    async def account(self, handle: Any) -> str:
        """The account that calls lead to."""
        return self.in_account

    async def call(self, handle: Any, operation: str, request: Mapping[str, Any], *, service: str) -> dict[str, Any]:
        """Answer as `sagebridge.targets.sagemaker.caller.Caller` does."""
        assert service == "logs"
        self.asked.append((operation, handle.owner.namespace, request.get("logStreamName", "")))
        if self.refusals:
            raise _error(self.refusals.pop(0), operation)
        group = request["logGroupName"]
        names = sorted(name for of, name in self._streams if of == group)
        if operation == "DescribeLogStreams":
            if not names:
                raise _error("ResourceNotFoundException", operation)
            prefix = request.get("logStreamNamePrefix", "")
            return {"logStreams": [{"logStreamName": name} for name in names if name.startswith(prefix)]}
        return self._page(request)

    def _page(self, request: Mapping[str, Any]) -> dict[str, Any]:
        lines = self._streams[request["logGroupName"], request["logStreamName"]]
        least = sum(time < request.get("startTime", 0) for time, _ in lines)
        token = request.get("nextToken") or ("f/0" if request["startFromHead"] else f"b/{len(lines)}")
        at = max(int(token[2:]), least)
        first, last = (at, at + self.page) if token[0] == "f" else (max(at - self.page, least), at)
        last = min(last, len(lines))
        events = [{"timestamp": time, "message": text} for time, text in lines[first:last]]
        return {"events": events, "nextForwardToken": f"f/{last}", "nextBackwardToken": f"b/{first}"}


def _error(code: str, operation: str) -> AwsError:
    return AwsError(code=code, message=f"{code}!", operation=operation, http_status=400)
