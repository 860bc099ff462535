"""The termination message: its fields, and its limit."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.agent.message import LIMIT_BYTES, Message

NOON = datetime(2026, 1, 2, 12, 0, 0, 5_000, tzinfo=timezone(timedelta(hours=2)))


def test_all_fields(tmp_path: Path) -> None:
    message = Message(
        stopped="Stopped",
        failure="diverged",
        failure_reason="ClientError: Data upload failed: x",
        model="s3://b/model.tar.gz",
        start_time=NOON,
        end_time=NOON.astimezone(UTC),
        upload_start_time=NOON,
    )
    message.write(tmp_path / "log")
    moment = "2026-01-02T10:00:00.005Z"
    assert json.loads((tmp_path / "log").read_text()) == {
        "stopped": "Stopped",
        "failure": "diverged",
        "failureReason": "ClientError: Data upload failed: x",
        "model": "s3://b/model.tar.gz",
        "trainingStartTime": moment,
        "trainingEndTime": moment,
        "uploadStartTime": moment,
    }


@pytest.mark.parametrize(
    ("reason", "message", "want"),
    [
        ("training that was not stopped says so", Message(stopped=""), {"stopped": ""}),
        ("prepare says only why", Message(failure_reason="no"), {"failureReason": "no"}),
        ("empty texts are absent", Message(failure="", model=""), {}),
    ],
)
def test_absent_fields(reason: str, message: Message, want: dict[str, str]) -> None:
    assert json.loads(message.text()) == want, reason


TEXTS = st.text(st.characters(exclude_categories=()), max_size=1024) | st.sampled_from(["\x01" * 1024, "𝕏" * 1024])


@given(failure=TEXTS, reason=TEXTS)
def test_it_always_fits(failure: str, reason: str) -> None:
    message = Message(
        stopped="MaxWaitTimeExceeded",
        failure=failure,
        failure_reason=reason,
        model="s3://" + "b" * 1024,
        start_time=NOON,
        end_time=NOON,
        upload_start_time=NOON,
    )
    text = message.text()
    assert len(text.encode()) <= LIMIT_BYTES
    content = json.loads(text)
    assert (content["stopped"], content["model"]) == (message.stopped, message.model)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("a failing script that left a model", Message(stopped="", failure="x" * 1024, model="s3://b/" + "m" * 512)),
        ("data that is not there", Message(failure_reason="x" * 1024)),
    ],
)
def test_a_plain_failure_is_whole(reason: str, message: Message) -> None:
    assert "x" * 1024 in message.text(), reason


def test_of_two_failures_neither_is_lost() -> None:
    content = json.loads(Message(stopped="", failure="x" * 1024, failure_reason="y" * 1024).text())
    assert min(len(content["failure"]), len(content["failureReason"])) > 800


def test_six_containers_have_room_for_it() -> None:
    assert LIMIT_BYTES * 6 <= 12 * 1024
