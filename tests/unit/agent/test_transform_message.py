"""The termination message of a transform's agent: its fields, its limit, and the exit code that goes with it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.agent.message import LIMIT_BYTES
from sagebridge.agent.transform.message import FailedObject, TransformMessage


def failed(position: int, *, is_algorithms: bool = False) -> FailedObject:
    return FailedObject(position=position, reason=f"b/{position}: no", is_algorithms=is_algorithms)


@pytest.mark.parametrize(
    ("reason", "message", "want", "code"),
    [
        ("all is done", TransformMessage(transformed=2), {"stopped": "", "transformed": 2}, 0),
        (
            "one that is told to end has not done its part",
            TransformMessage(terminated=True),
            {"stopped": "Terminated", "transformed": 0},
            143,
        ),
        (
            "of several failures the first is told, and how many there are",
            TransformMessage(failures=(failed(3), failed(5, is_algorithms=True))),
            {
                "stopped": "",
                "transformed": 0,
                "failed": {
                    "count": 2,
                    "isAlgorithms": True,
                    "first": {"position": 3, "failureReason": "b/3: no"},
                },
            },
            1,
        ),
        (
            "a model server that is not there is told apart: its last words are the operator's to read",
            TransformMessage(failure_reason="ClientError: no ping", is_unhealthy=True),
            {"stopped": "", "transformed": 0, "failureReason": "ClientError: no ping", "unhealthy": True},
            1,
        ),
    ],
)
def test_fields(reason: str, message: TransformMessage, want: dict[str, object], code: int) -> None:
    assert json.loads(message.text()) == want, reason
    assert message.exit_code == code, reason


TEXTS = st.text(st.characters(exclude_categories=()), max_size=1400) | st.sampled_from(["\x01" * 1024, "𝕏" * 1024])


@given(text=TEXTS)
def test_it_always_fits(text: str) -> None:
    failures = (FailedObject(position=1, reason=text, is_algorithms=True),)
    assert len(TransformMessage(failures=failures).text().encode()) <= LIMIT_BYTES
    assert len(TransformMessage(failure_reason=text).text().encode()) <= LIMIT_BYTES
