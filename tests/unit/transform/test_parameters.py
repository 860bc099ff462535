"""What a container prefers, and when that counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sagebridge.runtime.transform.parameters import completed, preferences


@pytest.mark.parametrize(
    ("reason", "status", "answer", "want"),
    [
        (
            "all that it may prefer",
            200,
            {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 6},
            {"MaxConcurrentTransforms": 8, "BatchStrategy": "SingleRecord", "MaxPayloadInMB": 6},
        ),
        ("most containers have no preferences", 404, {"MaxPayloadInMB": 6}, {}),
        ("a payload without a limit", 200, {"MaxPayloadInMB": 0}, {"MaxPayloadInMB": 0}),
        ("less than no request at a time", 200, {"MaxConcurrentTransforms": -1}, {}),
        ("a truth value is no number", 200, {"MaxConcurrentTransforms": True, "MaxPayloadInMB": False}, {}),
        ("nor is a text", 200, {"MaxConcurrentTransforms": "8", "BatchStrategy": "MOST"}, {}),
        ("nor a list an object", 200, [8], {}),
    ],
)
def test_preferences(reason: str, status: int, answer: Any, want: dict[str, Any]) -> None:
    assert preferences(status, json.dumps(answer)) == want, reason


@pytest.mark.parametrize(
    ("reason", "request_", "want"),
    [
        ("the request wins", {"MaxConcurrentTransforms": 2}, 2),
        ("it leaves the choice", {}, 8),
        ("by zero, too", {"MaxConcurrentTransforms": 0}, 8),
    ],
)
def test_who_is_asked(reason: str, request_: dict[str, Any], want: int) -> None:
    assert completed(request_, {"MaxConcurrentTransforms": 8})["MaxConcurrentTransforms"] == want, reason


def test_no_limit_of_the_request_is_no_choice_left() -> None:
    assert completed({"MaxPayloadInMB": 0}, {"MaxPayloadInMB": 6})["MaxPayloadInMB"] == 0
