"""CloudWatch Logs whose pages a test writes, one by one: the service gives empty ones, and moto does not."""

from __future__ import annotations

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import boto3


class ScriptedLogs:
    """A log group behind a real client of boto3, which sends nothing.

    Attributes:
        client: The client.
        streams: The pages of each stream, oldest first, each a list of (milliseconds, text).
        said: The `lastEventTimestamp` of streams that have one.
        exists: Whether the group is there.
        refusals: Codes of errors that the next calls of GetLogEvents are answered with; empty for none.
        requests: Those of GetLogEvents, in order.
    """

    def __init__(self, **streams: list[list[tuple[int, str]]]) -> None:
        self.streams = streams
        self.said: dict[str, int] = {}
        self.exists = True
        self.refusals: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.client: Any = boto3.client(
            "logs", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
        )
        self.client.meta.events.register("before-call.cloudwatch-logs", self._answer)

    @property
    def read(self) -> list[str]:
        """The streams that were asked for, in order."""
        return [request["logStreamName"] for request in self.requests]

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        request = json.loads(params["body"])
        if not self.exists:
            return _error("ResourceNotFoundException")
        if model.name == "DescribeLogStreams":
            return _reply({"logStreams": [self._stream(name) for name in sorted(self.streams)]})
        self.requests.append(request)
        refusal = self.refusals.pop(0) if self.refusals else ""
        if refusal or request["logStreamName"] not in self.streams:
            return _error(refusal or "ResourceNotFoundException")
        return _reply(_page(self.streams[request["logStreamName"]], request))

    def _stream(self, name: str) -> dict[str, Any]:
        return {"logStreamName": name, **({"lastEventTimestamp": self.said[name]} if name in self.said else {})}


def _page(pages: list[list[tuple[int, str]]], request: dict[str, Any]) -> dict[str, Any]:
    token = request.get("nextToken") or ("f/0" if request["startFromHead"] else f"b/{len(pages)}")
    at = int(token[2:])
    first, last = (at, min(at + 1, len(pages))) if token[0] == "f" else (max(at - 1, 0), at)
    return {
        "events": _events(event for page in pages[first:last] for event in page),
        "nextBackwardToken": f"b/{first}",
        "nextForwardToken": f"f/{last}",
    }


def _events(events: Iterable[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"timestamp": at, "message": text, "ingestionTime": at} for at, text in events]


def _reply(parsed: dict[str, Any], *, status: int = 200) -> tuple[Any, dict[str, Any]]:
    return SimpleNamespace(status_code=status), {"ResponseMetadata": {"HTTPStatusCode": status}, **parsed}


def _error(code: str) -> tuple[Any, dict[str, Any]]:
    status = 503 if code == "ServiceUnavailableException" else 400
    return _reply({"Error": {"Code": code, "Message": f"{code}!"}}, status=status)
