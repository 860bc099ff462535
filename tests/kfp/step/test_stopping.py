"""Told to end, a step makes one call, and none where there is nothing to stop."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.stopping import remove_unserving, suspend
from sagebridge_kfp.step.termination import Termination
from support.scripted_http import told

from .scripted_api import Answer, having, in_turn, job, refused, scripted_api

SUSPEND = {"op": "add", "path": "/spec/runPolicy", "value": {"suspend": True}}
STILL_MINE = {"op": "test", "path": "/metadata/annotations/sagebridge.io~1step-pod", "value": "p/u"}
SAY_WHY = {
    "op": "add",
    "path": "/metadata/annotations/sagebridge.io~1step-stopped-because",
    "value": "2 it was told to end",
}
SAY_SO = {"op": "add", "path": "/metadata/annotations/sagebridge.io~1step-stopped", "value": "true"}


@pytest.mark.parametrize(
    ("spec", "pod", "patch", "reason"),
    [
        ({}, "p/u", [STILL_MINE, SUSPEND, SAY_SO, SAY_WHY], "one call, which does nothing once a successor attends it"),
        ({}, "", [SUSPEND, SAY_SO, SAY_WHY], "a laptop has no successor"),
        (
            {"runPolicy": {"deletionPolicy": "Retain"}},
            "p/u",
            [STILL_MINE, {"op": "add", "path": "/spec/runPolicy/suspend", "value": True}, SAY_SO, SAY_WHY],
            "the rest of the policy stays",
        ),
    ],
)
def test_one_call_suspends_a_job(spec: dict[str, Any], pod: str, patch: list[Any], reason: str) -> None:
    with scripted_api(in_turn(told({}))) as (api, server):
        said = suspend(api, "TrainingJob", job() | {"spec": spec}, pod=pod)
    assert [(one.method, one.body) for one in server.asked] == [("PATCH", patch)], reason
    assert server.asked[0].headers["content-type"] == "application/json-patch+json"
    assert "is suspended" in said
    assert ("goes on with it if retried" in said) is bool(pod)
    assert ("kubectl -n team-a delete trainingjobs train-abc" in said) is not bool(pod), "another run makes another"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (having("Complete"), "has ended"),
        (having("Failed"), "has ended"),
        (job() | {"spec": {"runPolicy": {"suspend": True}}}, "is suspended already"),
    ],
)
def test_nothing_to_suspend_is_no_call(body: dict[str, Any], says: str) -> None:
    with scripted_api(in_turn(told({}))) as (api, server):
        assert says in suspend(api, "TrainingJob", body, pod="p/u")
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "reason", "says"), [(404, "NotFound", "is gone"), (422, "Invalid", "another pod attends")]
)
def test_what_others_have_done_meanwhile(status: int, reason: str, says: str) -> None:
    with scripted_api(in_turn(refused(status, reason))) as (api, _):
        assert says in suspend(api, "TrainingJob", job(), pod="p/u")


READY = having("Ready", "InService")


def attended_by(pod: str) -> dict[str, Any]:
    """One that does not serve yet."""
    body = job()
    return body | {"metadata": body["metadata"] | {"annotations": {"sagebridge.io/step-pod": pod}}}


SUCCESSORS = attended_by("p2/u2")


@pytest.mark.parametrize(
    ("body", "answers", "calls", "says", "reason"),
    [
        (job(), [told({})], ["DELETE"], "is being deleted", "it does not serve yet"),
        (READY, [told({})], [], "goes on", "it serves"),
        (job(revisions=[{"servedAt": "2026-01-01T00:00:00Z"}]), [told({})], [], "goes on", "it served before"),
        (job(revisions=[{"outcome": "Failed"}]), [told({})], ["DELETE"], "is being deleted", "it never served"),
        (job(), [refused(404, "NotFound")], ["DELETE"], "is gone", "somebody has deleted it"),
        (job(), [refused(409, "Conflict"), told(READY)], ["DELETE", "GET"], "goes on", "it serves since a moment"),
        (
            job(),
            [refused(409, "Conflict"), told(job()), told({})],
            ["DELETE", "GET", "DELETE"],
            "is being deleted",
            "another word of its status had changed",
        ),
        (job(), [refused(409, "Conflict"), refused(404, "NotFound")], ["DELETE", "GET"], "is gone", "gone meanwhile"),
        (SUCCESSORS, [told({})], [], "another pod attends", "a successor has taken it over"),
        (job(), [refused(409, "Conflict"), told(SUCCESSORS)], ["DELETE", "GET"], "another pod", "it takes it just now"),
    ],
)
def test_an_endpoint_goes_unless_it_serves(
    body: dict[str, Any], answers: list[Any], calls: list[str], says: str, reason: str
) -> None:
    with scripted_api(in_turn(*answers)) as (api, server):
        said = remove_unserving(api, "Endpoint", body, pod="p/u")
    assert says in said, reason
    assert [one.method for one in server.asked] == calls, reason
    only = {"uid": "u1", "resourceVersion": "7"}
    assert all(one.body["preconditions"] == only for one in server.asked if one.method == "DELETE")


def test_a_laptop_deletes_its_endpoint_without_a_pod_to_compare() -> None:
    with scripted_api(in_turn(told({}))) as (api, server):
        assert "is being deleted" in remove_unserving(api, "Endpoint", attended_by(""), pod="")
    assert [one.method for one in server.asked] == ["DELETE"]


def ended(termination: Termination) -> list[int]:
    """How a process ends that is told to."""
    left: list[int] = []
    termination._leave = left.append
    termination.end(15)
    return left


def told_to_end(answer: Answer) -> tuple[list[int], str, int]:
    """Exit statuses, what was said, and how many calls there were."""
    output = io.StringIO()
    termination = Termination(Console(output=output))
    with scripted_api(answer) as (api, server):
        termination.arm(lambda: suspend(api, "TrainingJob", job(), pod="p/u"))
        left = ended(termination)
    return left, output.getvalue(), len(server.asked)


@pytest.mark.parametrize(
    ("answer", "calls", "says", "reason"),
    [
        (in_turn(told({})), 1, "is suspended", "one call"),
        (in_turn(refused(503, "Unavailable"), told({})), 2, "is suspended", "again, where it may help"),
        (in_turn(refused(403, "Forbidden")), 1, "could not stop the job: no", "it may not do that"),
    ],
)
def test_the_end(answer: Answer, calls: int, says: str, reason: str) -> None:
    left, said, made = told_to_end(answer)
    assert (left, made) == ([143], calls), reason
    assert says in said, reason


def test_the_end_of_what_has_made_nothing() -> None:
    output = io.StringIO()
    termination = Termination(Console(output=output))
    assert ended(termination) == [143]
    assert "nothing of this step runs" in output.getvalue()


def test_it_ends_also_where_nobody_listens() -> None:
    output = io.StringIO()
    termination = Termination(Console(output=output))
    output.close()
    termination._leave = left = Left()
    with pytest.raises(ValueError, match="closed file"):
        termination.end(15)
    assert left.statuses == [143]


class Unread(io.StringIO):
    """What is printed to somebody who is gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_line_that_nobody_reads_keeps_no_step_from_what_it_has_to_do() -> None:
    console = Console(output=Unread())
    console.say("Completed: x completed.")
    console.log("epoch=1")
    assert list(console.last) == ["epoch=1"]


class Left:
    """Stands for the end of the process."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    def __call__(self, status: int) -> None:
        self.statuses.append(status)


def test_what_is_being_made_is_stopped_once_it_is_there() -> None:
    stopped: list[str] = []
    termination = Termination(Console(output=io.StringIO()), leave=lambda status: stopped.append(str(status)))
    ending = threading.Thread(target=termination.end, args=(15,))
    with termination.unsettled():
        ending.start()
        termination.ending.wait()
        assert stopped == []
        termination.arm(lambda: stopped.append("the job") or "")  # type: ignore[func-returns-value]
    ending.join()
    assert stopped == ["the job", "143"]


def test_what_is_done_is_left() -> None:
    termination = Termination(Console(output=io.StringIO()))
    termination.arm(lambda: pytest.fail("stopped"))
    termination.disarm()
    assert ended(termination) == [143]


def test_another_client_has_connections_of_its_own() -> None:
    with scripted_api(in_turn(told({}))) as (api, server):
        spare: Api = api.another()
        spare.warm()
        spare.change("TrainingJob", "a", [])
        server.answer = in_turn(refused(403, "Forbidden"))
        with pytest.raises(ApiError):
            spare.change("TrainingJob", "a", [])
    assert [one.path.rpartition("/")[2] for one in server.asked] == ["version", "a", "a"]
