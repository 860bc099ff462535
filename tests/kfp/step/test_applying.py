"""An object of a given name: whose it is, and what of its status answers to the step that applies it."""

from __future__ import annotations

import copy
import dataclasses
import functools
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sagebridge_kfp.step import session as session_module
from sagebridge_kfp.step.applying import Applied, apply_named
from sagebridge_kfp.step.attend import Attendance
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity, spec_digest
from sagebridge_kfp.step.making import manifest
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.session import Session
from sagebridge_kfp.step.termination import Termination
from sagebridge_kfp.step.wanted import Outcome, Wanted
from support.scripted_http import Asked, Reply, told

from .scripted_api import having, refused, scripted_api

ME = Identity(run="run-1", task="wf.root.deploy.executor", task_name="deploy", pod="p/u")
OTHER = Identity(run="run-2", task="wf.root.deploy.executor", task_name="deploy", pod="q/v")
WANTED = Wanted(kind="Endpoint", spec={"roleArn": "mine"}, name="digits", keeps=True)
Change = Callable[["Server"], object]


def made_by(identity: Identity, wanted: Wanted = WANTED, **status: Any) -> dict[str, Any]:
    """The Endpoint that a step has made."""
    body = manifest(wanted, identity=identity, name="digits")
    body["metadata"] |= {"uid": "u1", "namespace": "team-a", "resourceVersion": "1", "generation": 1}
    return {**body, "status": {"observedGeneration": 1, **status}}


class Server:
    """An API server with one Endpoint at most, which changes while it is watched."""

    def __init__(self, found: dict[str, Any] | None = None, *changes: Change) -> None:
        self.object = copy.deepcopy(found)
        self.changes = list(changes)
        self.asked_at = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.method == "PATCH":
            self.patch(asked.body)
        elif "watch" in asked.query:
            return Reply(pieces=self._events())
        return refused(404, "NotFound") if self.object is None else told(self.object)

    def patch(self, body: Any) -> None:
        """Apply or merge: what tests send is alike."""
        found = self.object or made_by(OTHER, Wanted(kind="Endpoint", spec={}, name="digits"))
        if self.object is None:
            found["metadata"] |= {"labels": {}, "annotations": {}}
        for part in ("labels", "annotations"):
            found["metadata"][part] = {**found["metadata"].get(part, {}), **body.get("metadata", {}).get(part, {})}
        if "sagebridge.io/reconcile-at" in found["metadata"]["annotations"]:
            self.asked_at = found["metadata"]["annotations"]["sagebridge.io/reconcile-at"]
        if body.get("spec", found["spec"]) != found["spec"]:
            found["spec"] = body["spec"]
            found["metadata"]["generation"] += 1
        self.object = found

    def becomes(self, **status: Any) -> None:
        """The operator writes a status."""
        assert self.object is not None
        self.object["status"] = {**status, "observedGeneration": self.object["metadata"]["generation"]}

    def _events(self) -> Iterator[bytes]:
        if self.changes:
            self.changes.pop(0)(self)
        yield json.dumps({"type": "MODIFIED", "object": self.object}).encode() + b"\n"


def applied(found: dict[str, Any] | None, wanted: Wanted = WANTED) -> Applied:
    console = Console(output=io.StringIO())
    with scripted_api(Server(found).answer) as (api, _):
        return apply_named(api, wanted, identity=ME, console=console, patience=Patience(console, seconds=1.0))


def ran(server: Server, wanted: Wanted = WANTED) -> Outcome:
    console = Console(output=io.StringIO())
    with scripted_api(server.answer) as (api, _):
        return Session(wanted, identity=ME, api=api, console=console, termination=Termination(console)).run()


READY = having("Ready", "InService")["status"]


@pytest.mark.parametrize(
    ("found", "is_new", "reason"),
    [
        (None, True, "it was not there"),
        (made_by(ME), True, "an earlier pod of this step has made it"),
        (made_by(OTHER), False, "another run has made it, which may still be at it"),
        (made_by(ME, **READY), False, "it serves"),
    ],
)
def test_whose_it_is_to_delete_when_told_to_end(found: dict[str, Any] | None, is_new: bool, reason: str) -> None:
    assert applied(found).is_new is is_new, reason


MUST_BE_OWN = dataclasses.replace(WANTED, must_be_own=True, if_taken="Call it otherwise.")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (None, "it was not there"),
        (made_by(ME), "an earlier pod of this step has made it"),
        (made_by(ME, **READY), "also if it serves by now"),
    ],
)
def test_what_must_be_a_step_s_own_is_made_or_gone_on_with(found: dict[str, Any] | None, reason: str) -> None:
    assert applied(found, MUST_BE_OWN).body["spec"] == WANTED.spec, reason


@pytest.mark.parametrize("found", [made_by(OTHER), made_by(OTHER, **READY)], ids=["on its way", "serving"])
def test_what_must_be_a_step_s_own_is_not_touched_where_it_is_another_s(found: dict[str, Any]) -> None:
    server = Server(found)
    console = Console(output=io.StringIO())

    with scripted_api(server.answer) as (api, _), pytest.raises(StepFailedError) as failed:
        apply_named(api, MUST_BE_OWN, identity=ME, console=console, patience=Patience(console, seconds=1.0))

    assert str(failed.value) == (
        "Endpoint digits is there already (the run run-2 has made it), and this step was told to make it, not to "
        "update it. Call it otherwise."
    )
    assert server.object == found


def other_spec(server: Server) -> None:
    """Another run applies its own, and that serves."""
    server.patch({"metadata": {"annotations": {"sagebridge.io/step-spec": spec_digest({})}}, "spec": {}})
    server.becomes(**READY)


def scaled(server: Server) -> None:
    """Somebody scales it, and it serves."""
    server.patch({"spec": {**WANTED.spec, "replicas": 3}})
    server.becomes(**READY)


def test_what_another_run_has_it_serve_is_no_success() -> None:
    with pytest.raises(StepFailedError, match="Another step has given Endpoint digits another spec meanwhile"):
        ran(Server(None, other_spec))


def test_who_scales_it_is_no_other_step() -> None:
    assert ran(Server(None, scaled)).status["conditions"] == READY["conditions"]


FAILED = having("Stalled", "UpdateFailed", "no capacity")["status"]


def tried_again(server: Server) -> None:
    """The operator tries the same again."""
    server.becomes(**having("Reconciling", "Updating")["status"])


def serves(server: Server) -> None:
    server.becomes(**READY)


def fails_again(server: Server) -> None:
    server.becomes(**FAILED)


def fails_otherwise(server: Server) -> None:
    server.becomes(**having("Stalled", "EndpointFailed", "out of memory")["status"])


def nothing_yet(server: Server) -> None:
    """A line of the watch that says the same."""


def test_a_refusal_of_before_is_no_answer() -> None:
    server = Server(made_by(OTHER, **FAILED), nothing_yet, tried_again, serves)
    assert ran(server).status["conditions"] == READY["conditions"]
    assert server.asked_at == "u", "the pod's UID, so that each pod asks once"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([nothing_yet, tried_again, fails_again], "can't go on: UpdateFailed: no capacity"),
        ([fails_otherwise], "can't go on: EndpointFailed: out of memory"),
    ],
)
def test_a_refusal_of_now_is_one(changes: list[Change], says: str) -> None:
    with pytest.raises(StepFailedError, match=says):
        ran(Server(made_by(OTHER, **FAILED), *changes))


def test_a_refusal_that_nobody_takes_back_is_one_when_the_grace_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "Attendance", functools.partial(Attendance, grace=0.0))
    with pytest.raises(StepFailedError, match="can't go on: UpdateFailed: no capacity"):
        ran(Server(made_by(OTHER, **FAILED)))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (made_by(OTHER, **READY), "it serves"),
        (made_by(OTHER, **having("Reconciling", "Updating")["status"]), "a try is under way, and goes on"),
        (made_by(OTHER, Wanted(kind="Endpoint", spec={}, name="digits"), **FAILED), "the new spec is tried anyway"),
        (None, "it was not there"),
    ],
)
def test_who_is_not_asked_to_try_again(found: dict[str, Any] | None, reason: str) -> None:
    server = Server(found, serves)
    ran(server)
    assert server.asked_at == "", reason
