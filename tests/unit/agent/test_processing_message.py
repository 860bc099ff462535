"""The termination message of a processing job's agent."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.agent.message import LIMIT_BYTES
from sagebridge.agent.processing.message import ProcessingMessage

NOON = datetime(2026, 1, 2, 12, 0, 0, 5_000, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=1024) | st.sampled_from(["\x01" * 1024, "𝕏" * 1024])


@given(said=TEXTS, failure=TEXTS, reason=TEXTS)
def test_it_always_fits(said: str, failure: str, reason: str) -> None:
    message = ProcessingMessage(
        stopped="MaxWaitTimeExceeded",
        failure=failure,
        failure_reason=reason,
        exit_message=said,
        start_time=NOON,
        end_time=NOON,
        upload_start_time=NOON,
    )
    text = message.text()
    assert len(text.encode()) <= LIMIT_BYTES
    assert json.loads(text)["stopped"] == message.stopped


@pytest.mark.parametrize(
    ("reason", "message", "want"),
    [
        ("one that has ended well", ProcessingMessage(stopped="", exit_message=""), {"stopped": ""}),
        ("before it there is only a reason", ProcessingMessage(failure_reason="no"), {"failureReason": "no"}),
    ],
)
def test_absent_fields(reason: str, message: ProcessingMessage, want: dict[str, str]) -> None:
    assert json.loads(message.text()) == want, reason


def test_all_fields() -> None:
    moment = "2026-01-02T12:00:00.005Z"
    message = ProcessingMessage(
        stopped="Stopped",
        failure="no data",
        failure_reason="ClientError: Data upload failed: x",
        exit_message="half",
        start_time=NOON,
        end_time=NOON,
        upload_start_time=NOON,
    )
    assert json.loads(message.text()) == {
        "stopped": "Stopped",
        "failure": "no data",
        "failureReason": "ClientError: Data upload failed: x",
        "message": "half",
        "processingStartTime": moment,
        "processingEndTime": moment,
        "uploadStartTime": moment,
    }


@pytest.mark.parametrize(
    ("reason", "message", "want"),
    [
        ("done", ProcessingMessage(stopped=""), 0),
        ("stopped", ProcessingMessage(stopped="Stopped"), 0),
        ("cut off", ProcessingMessage(stopped="Terminated"), 143),
        ("what was to be uploaded is not in S3", ProcessingMessage(stopped="Terminated", failure_reason="no"), 1),
    ],
)
def test_the_exit_code(reason: str, message: ProcessingMessage, want: int) -> None:
    assert message.exit_code == want, reason
