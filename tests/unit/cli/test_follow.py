"""Following the log of an object: from where it begins, through what happens to the object, to the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sagebridge.cli.logs import is_over, stream_lines
from sagebridge.cli.objects import ObjectDeletedError
from sagebridge.core.conditions import State, Verdict, build
from sagebridge.core.job import Job
from sagebridge.core.logs.lines import Excerpt
from sagebridge.core.reasons import Reason
from sagebridge.kinds import ENDPOINT, JOB_KINDS
from support.scripted_logs import ScriptedLogs

NOW = int(time.time() * 1000)
PING = 'INFO:     10.0.0.1:1234 - "GET /ping HTTP/1.1" 200 OK'
GONE = ObjectDeletedError("digits was deleted.")


def an_object(kind: str, state: State, reason: Reason, *, has_log: bool = True) -> Job:
    verdict = Verdict(state=state, reason=reason, message="m")
    status: dict[str, Any] = {"conditions": build(verdict, previous=(), generation=1, now="2026-01-01T00:00:00Z")}
    if has_log:
        status["logs"] = {"groupName": "g", "streamPrefix": ""}
    return Job.parse({"kind": kind, "metadata": {"name": "digits"}, "status": status})


SERVING = an_object("Endpoint", State.SERVING, Reason.IN_SERVICE)
UPDATE_FAILED = an_object("Endpoint", State.STALLED, Reason.UPDATE_FAILED)
RUNNING = an_object("TrainingJob", State.PROGRESSING, Reason.IN_PROGRESS)
DONE = an_object("TrainingJob", State.READY, Reason.COMPLETED)
STARTING = an_object("TrainingJob", State.PROGRESSING, Reason.IN_PROGRESS, has_log=False)


class InterruptError(Exception):
    """Ctrl-C."""


@dataclass
class Scene:
    """What `stream_lines` sees, look by look.

    Attributes:
        logs: The log group.
        objects: What each reading of the object gives; after the last one somebody presses Ctrl-C.
        meanwhile: What happens in each pause.
        lines: What was shown.
    """

    logs: ScriptedLogs
    objects: list[Job | Exception]
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def follow(self, excerpt: Excerpt, *, follow: bool = True) -> None:
        lines = stream_lines(
            self._read, client=lambda _: self.logs.client, follow=follow, pause=self._pause, excerpt=excerpt
        )
        for line in lines:
            self.lines.append(line.text)

    def _read(self) -> Job:
        now = self.objects.pop(0) if self.objects else InterruptError()
        if isinstance(now, Exception):
            raise now
        return now

    def _pause(self) -> None:
        if self.meanwhile:
            self.meanwhile.pop(0)()


def scene(*objects: Job | Exception, meanwhile: tuple[str, ...] = (), **streams: list[list[tuple[int, str]]]) -> Scene:
    made = Scene(ScriptedLogs(**streams), list(objects))
    for at, text in enumerate(meanwhile, start=NOW):
        made.meanwhile.append(lambda at=at, text=text: made.logs.streams.setdefault("s", []).append([(at, text)]))
    return made


def test_an_endpoint_whose_update_failed_serves_on_and_is_followed_on() -> None:
    shown = scene(SERVING, UPDATE_FAILED, UPDATE_FAILED, UPDATE_FAILED, meanwhile=("a", "b", "c"))
    with pytest.raises(InterruptError):
        shown.follow(Excerpt())
    assert shown.lines == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("job", "want"),
    [
        (UPDATE_FAILED, False),
        (an_object("Endpoint", State.STALLED, Reason.INVALID_SPEC), False),
        (an_object("TrainingJob", State.STALLED, Reason.INVALID_SPEC), True),
        (an_object("TrainingJob", State.FAILED, Reason.JOB_FAILED), True),
        (DONE, True),
        (RUNNING, False),
    ],
)
def test_what_is_over(job: Job, want: bool) -> None:
    assert is_over(job) is want


@pytest.mark.parametrize("tail", [0, 1])
def test_a_log_that_the_status_names_later_is_shown_from_its_first_line(tail: int) -> None:
    shown = scene(STARTING, RUNNING, DONE, DONE, meanwhile=("a", "b"), s=[[(1, "first"), (2, "second")]])
    shown.follow(Excerpt(tail=tail))
    assert shown.lines == ["first", "second", "a", "b"]


def test_who_deletes_what_is_followed_ends_it_after_its_last_lines() -> None:
    shown = scene(RUNNING, GONE, meanwhile=("last",))
    with pytest.raises(ObjectDeletedError, match=r"^digits was deleted\.$"):
        shown.follow(Excerpt())
    assert shown.lines == ["last"]


def test_what_is_deleted_after_its_end_is_over() -> None:
    shown = scene(DONE, GONE, meanwhile=("last",))
    shown.follow(Excerpt())
    assert shown.lines == ["last"]


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailableException"])
def test_throttling_is_waited_out(code: str) -> None:
    shown = scene(RUNNING, RUNNING, RUNNING, DONE, DONE, DONE, s=[[(1, "a")], [(2, "b")]])
    shown.logs.refusals = ["", code, code]
    shown.meanwhile = [lambda: None] * 3 + [lambda: shown.logs.refusals.append(code)]
    shown.follow(Excerpt())
    assert shown.lines == ["a", "b"]
    assert shown.objects == [], "the last look was refused, so there was another"


@pytest.mark.parametrize(
    ("follow", "code"), [(False, "ThrottlingException"), (True, "AccessDeniedException")], ids=["once", "denied"]
)
def test_what_is_not_waited_out(follow: bool, code: str) -> None:
    shown = scene(RUNNING, s=[[(1, "a")]])
    shown.logs.refusals = [code]
    with pytest.raises(ClientError, match=code):
        shown.follow(Excerpt(), follow=follow)


@pytest.mark.parametrize(
    ("kind", "pings", "want"),
    [
        ("Endpoint", False, ["a"]),
        ("BatchTransform", False, ["a"]),
        ("Endpoint", True, [PING, "a"]),
        *((kind, False, [PING, "a"]) for kind in ("TrainingJob", "ProcessingJob", "HPTuningJob")),
    ],
)
def test_health_checks_are_left_out_of_the_log_of_what_serves(kind: str, pings: bool, want: list[str]) -> None:
    assert kind in {ENDPOINT.kind, *(job.schema.kind for job in JOB_KINDS)}
    shown = scene(an_object(kind, State.PROGRESSING, Reason.IN_PROGRESS), s=[[(1, PING), (2, "a")]])
    shown.follow(Excerpt(pings=pings), follow=False)
    assert shown.lines == want
