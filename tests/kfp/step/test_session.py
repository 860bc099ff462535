"""A step with its log and its end, before scripted servers: what the operator does not do yet, or seldom does."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.step import log_service
from sagebridge_kfp.step import session as session_module
from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.attend import Attendance
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity
from sagebridge_kfp.step.session import Session, refusal
from sagebridge_kfp.step.termination import Termination
from sagebridge_kfp.step.wanted import Outcome, Wanted
from support.scripted_http import Asked, Reply, told
from support.waiting import eventually

from .log_server import LogServer
from .scripted_api import having, in_turn, refused, scripted_api

ME = Identity(run="run-1", task="wf.root.train.executor", task_name="train", pod="p/u")
NAME = ME.name("TrainingJob")


class Server:
    """An API server with one object, which goes through some statuses once it is watched."""

    def __init__(self, *bodies: dict[str, Any], logs: dict[str, Any] | None = None, authority: str = "") -> None:
        self.object: dict[str, Any] = {}
        self.before_events: Callable[[], object] = lambda: None
        self._bodies = list(bodies)
        self._logs = logs
        self._authority = authority

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/configmaps/ca"):
            return told({"data": {"ca.crt": self._authority}})
        if asked.method == "GET":
            return self._read(asked)
        if asked.method == "POST":
            made = {"uid": "u1", "namespace": "team-a", "resourceVersion": "1", "generation": 1}
            self.object = {**asked.body, "metadata": {**asked.body["metadata"], **made}}
        return told(self.object)

    def _read(self, asked: Asked) -> Reply:
        if "watch" in asked.query:
            return Reply(pieces=self._events())
        return told({"items": [self.object] if self.object else []} if asked.query else self.object)

    def _events(self) -> Iterator[bytes]:
        self.before_events()
        for body in self._bodies:
            status = body["status"] | ({"logs": {"service": self._logs}} if self._logs else {})
            self.object = {**self.object, "status": status}
            yield json.dumps({"type": "MODIFIED", "object": self.object}).encode() + b"\n"


class Ran:
    """A step, what it printed, and what it asked."""

    def __init__(self, server: Server, **wanted: Any) -> None:
        self.output = io.StringIO()
        self.asked: list[Asked] = []
        self.logs: Any = None
        self._server = server
        self._wanted = Wanted(**{"kind": "TrainingJob", "spec": {}, **wanted})

    def run(self) -> Outcome:
        with scripted_api(self._server.answer) as (api, server):
            self.asked = server.asked
            return self._session(api).run()

    def _session(self, api: Api) -> Session:
        console = Console(output=self.output)
        return Session(self._wanted, identity=ME, api=api, console=console, termination=Termination(console))

    def patches(self) -> list[Any]:
        return [one.body for one in self.asked if one.method == "PATCH"]


RUNS = having("Reconciling", "InProgress", "x is InProgress.", attempts=[{"number": 1}])
DONE = having("Complete", "Completed", "x completed.", attempts=[{"number": 1}])
FAILED = having("Failed", "JobFailed", "x failed: AlgorithmError", attempts=[{"number": 1}])


@contextmanager
def with_logs(directory: Path, *bodies: dict[str, Any], kind: str = "TrainingJob", **facts: Any) -> Iterator[Ran]:
    with LogServer(directory, **facts) as logs:
        service = {"url": logs.url, "namespace": "operator", "configMap": "ca"}
        ran = Ran(Server(*bodies, logs=service, authority=logs.pem()), kind=kind)
        ran.logs = logs
        logs.answer = _with_any_token(logs)
        yield ran


def _with_any_token(logs: LogServer) -> Any:
    """Tokens are another test's matter: a plain client of the API server has none."""
    return lambda asked: logs.whole(Asked(**{**vars(asked), "headers": {"authorization": "Bearer a-token"}}))


def test_the_log_is_whole_before_the_step_ends(tmp_path: Path) -> None:
    with with_logs(tmp_path, RUNS, DONE) as ran:
        assert ran.run().name == NAME
    printed = ran.output.getvalue().splitlines()
    assert [line for line in printed if line.startswith("line")] == [f"line {number}" for number in range(1, 7)]
    assert ran.patches() == [{"metadata": {"annotations": {"sagebridge.io/step-done": "true"}}}]


def test_each_line_of_a_search_begins_with_its_trial(tmp_path: Path) -> None:
    with with_logs(tmp_path, RUNS, DONE, kind="HPTuningJob", stream="search-001-abc/algo-1-123", lines=2) as ran:
        ran.run()
    printed = [line for line in ran.output.getvalue().splitlines() if "[sagebridge]" not in line]
    assert printed == ["[search-001-abc] line 1", "[search-001-abc] line 2"]


def test_the_step_shows_the_token_that_is_for_logs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").write_text("a-token")
    monkeypatch.setattr(log_service, "OWN_TOKEN", tmp_path / "own")
    with with_logs(tmp_path, RUNS, DONE) as ran:
        ran.logs.answer = ran.logs.whole
        ran.run()
    assert "line 6" in ran.output.getvalue()


def test_a_failure_tells_the_logs_last_lines(tmp_path: Path) -> None:
    with (
        with_logs(tmp_path, RUNS, FAILED, lines=3) as ran,
        pytest.raises(StepFailedError) as caught,
    ):
        ran.run()
    assert str(caught.value).splitlines() == [
        f"TrainingJob {NAME} has failed: JobFailed: x failed: AlgorithmError",
        "The last 3 lines of its log:",
        "line 1",
        "line 2",
        "line 3",
    ]
    assert ran.patches() == [], "a step that has not ended well says nothing of the kind"


def test_a_log_that_is_refused_keeps_no_step_from_its_end() -> None:
    service = {"url": "http://logs.operator.svc", "namespace": "operator", "configMap": "ca"}
    ran = Ran(Server(RUNS, DONE, logs=service))
    assert ran.run().name == NAME
    assert ran.output.getvalue().count("can't be shown here") == 1


def test_that_there_is_no_log_service_is_said_once() -> None:
    ran = Ran(Server(RUNS, RUNS, DONE))
    ran.run()
    assert ran.output.getvalue().count("the operator has no log service") == 1


def test_what_is_refused_is_suspended_so_that_it_does_not_begin_unattended() -> None:
    ran = Ran(Server(having("Stalled", "NotAllowed", "no policy")))
    with pytest.raises(StepFailedError, match="can't go on: NotAllowed: no policy"):
        ran.run()
    [[test, suspend, say, why]] = ran.patches()
    assert (test["op"], suspend["value"], say["value"]) == ("test", {"suspend": True}, "true")
    assert why["value"] == f"2 TrainingJob {NAME} can't go on: NotAllowed: no policy"


@pytest.mark.parametrize(
    ("attempt", "suspends", "reason"),
    [
        ({"number": 1}, False, "its job runs, and what is paid for is not thrown away"),
        ({"number": 1, "status": "Failed"}, True, "the next attempt must not begin unattended"),
    ],
)
def test_what_stalls_after_it_has_begun(
    attempt: dict[str, Any], suspends: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "Attendance", functools.partial(Attendance, grace=0.0))
    ran = Ran(Server(having("Stalled", "NotAllowed", "no policy", attempts=[attempt])))
    with pytest.raises(StepFailedError, match="can't go on: NotAllowed: no policy"):
        ran.run()
    assert bool(ran.patches()) is suspends, reason
    assert ("is left at work" in ran.output.getvalue()) is not suspends


def test_an_endpoint_has_no_log_to_wait_for() -> None:
    ran = Ran(Server(having("Ready", "InService")), kind="Endpoint", keeps=True)
    ran.run()
    assert "log" not in ran.output.getvalue()


def test_the_connection_that_stops_a_job_is_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "_WARM_SECONDS", 0.01)
    server = Server(DONE)
    ran = Ran(server)

    def kept() -> bool:
        return len([one for one in ran.asked if one.path == "/version"]) >= 3

    server.before_events = lambda: eventually(kept, what="three looks at the version")
    assert ran.run().name == NAME


def asked_with_a_refusal(method: str) -> Ran:
    """A step whose first call of a sort is refused: a watch, for GET."""
    server = Server(DONE)
    answer, left = server.answer, [refused(403, "Forbidden", "clusterrole not found")]

    def refuse_once(asked: Asked) -> Reply:
        is_it = asked.method == method and (method != "GET" or "watch" in asked.query)
        return left.pop() if is_it and left else answer(asked)

    server.answer = refuse_once  # type: ignore[method-assign]
    return Ran(server)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_step_whose_job_runs_does_not_believe_a_refusal_at_once(method: str) -> None:
    assert asked_with_a_refusal(method).run().name == NAME


def test_a_step_that_may_make_nothing_says_so_at_once() -> None:
    ran = asked_with_a_refusal("POST")
    with pytest.raises(StepFailedError, match="service account may not do this"):
        ran.run()
    assert "Trying again" not in ran.output.getvalue()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ApiError("x is forbidden", status=403, reason="Forbidden"), "service account may not do this in namespace n"),
        (ApiError("HTTP 404 Not Found", status=404), "The cluster has no TrainingJob of sagebridge.io"),
        (ApiError("spec.a: Required", status=422, reason="Invalid"), "refuses this TrainingJob: spec.a: Required"),
        (ApiError("u", status=401, reason="Unauthorized"), "refused a call about TrainingJob in namespace n: u"),
    ],
)
def test_what_the_api_servers_refusals_mean(error: ApiError, says: str) -> None:
    assert says in refusal(error, kind="TrainingJob", namespace="n")


def test_a_cluster_without_the_product_is_told() -> None:
    with scripted_api(in_turn(Reply(status=404, pieces=[b"404 page not found"]))) as (api, _):
        console = Console(output=io.StringIO())
        session = Session(
            Wanted(kind="TrainingJob", spec={}), identity=ME, api=api, console=console, termination=Termination(console)
        )
        with pytest.raises(StepFailedError, match="Sagebridge is not installed"):
            session.run()


def test_a_name_that_others_take_again_and_again() -> None:
    def answer(asked: Asked) -> Reply:
        return told({"items": []}) if asked.method == "GET" else refused(409, "AlreadyExists")

    with scripted_api(answer) as (api, _):
        console = Console(output=io.StringIO())
        session = Session(
            Wanted(kind="TrainingJob", spec={}), identity=ME, api=api, console=console, termination=Termination(console)
        )
        with pytest.raises(StepFailedError, match="changed by others again and again"):
            session.run()
