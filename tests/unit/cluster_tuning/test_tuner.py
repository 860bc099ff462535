"""The tuner carries plans out, whatever the API server does, and goes by nothing that it alone remembers."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.names import kubernetes_name
from sagebridge.core.cluster.tuning import plan as plans
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning.plan import STOP
from sagebridge.core.conditions import State
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.core.tenancy import Tenant
from sagebridge.kube.errors import ConflictError, NotFoundError, RefusedError
from sagebridge.kube.paths import CONFIG_MAPS
from sagebridge.targets.cluster.tuner import Tuner
from sagebridge.targets.cluster.tuning_objects import TuningObjects
from sagebridge.targets.cluster.tuning_view import TuningView
from sagebridge.targets.protocol import Handle, Place

from .searches import CREATED, OWNER, ended, limited

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = Tenant(
    regions=None,
    default_region="eu-west-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
KEY = (OWNER.uid, 1)


class ApiServer:
    """Objects by their paths; `refuse` says how many more TrainingJobs may be made, and the status of the others."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.refuse: tuple[int, int] | None = None
        self.creations: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        return copy.deepcopy(self.objects[path])

    async def list(self, path: str, *, selector: str = "") -> Any:
        for name, body in list(self.objects.items()):
            if name.startswith(f"{path}/"):
                yield copy.deepcopy(body)

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuse is not None and path.endswith("trainingjobs"):
            left, status = self.refuse
            if left == 0:
                raise RefusedError("no", status=status)
            self.refuse = (left - 1, status)
        item = f"{path}/{body['metadata']['name']}"
        if item in self.objects:
            raise ConflictError(item, status=409)
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": item, "creationTimestamp": CREATED}
        self.objects[item] = made
        self.creations.append(item)
        return copy.deepcopy(made)

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return _merge(self.objects[path], body)

    @property
    def trials(self) -> dict[str, dict[str, Any]]:
        return {path: body for path, body in self.objects.items() if body["kind"] == "TrainingJob"}


def _merge(body: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    for key, value in change.items():
        body[key] = _merge(body.setdefault(key, {}), value) if isinstance(value, dict) else value
    return body


class Search:
    """A search, and operators that come and go before one API server."""

    def __init__(self, record: records.Record) -> None:
        self.server = ApiServer()
        path = CONFIG_MAPS.item(namespace="team", name=kubernetes_name(OWNER, 1))
        manifest = records.manifest(record)
        manifest["metadata"] |= {"uid": "r", "creationTimestamp": CREATED}
        self.server.objects[path] = manifest
        self.handle = Handle(
            owner=OWNER,
            tenant=TENANT,
            region="eu-west-1",
            name="tune",
            since=NOW,
            place=Place.CLUSTER,
        )
        self.restart()

    def restart(self) -> None:
        """An operator that remembers nothing."""
        self.view = TuningView()
        objects = TuningObjects(client=self.server, before_write=lambda: None)  # type: ignore[arg-type]
        self.tuner = Tuner(objects=objects, view=self.view, now=lambda: NOW)

    async def attend(self, **run_policy: Any) -> None:
        metadata = {"uid": OWNER.uid, "namespace": "team", "name": "tune", "creationTimestamp": CREATED}
        job = Job.parse({"metadata": metadata, "spec": {"runPolicy": run_policy}})
        await self.tuner._attend(self.handle, job)

    def end(self, path: str, status: str = "Completed", value: float | None = None) -> None:
        """Say how a trial has ended, as its watch would."""
        body = ended(self.server.objects[path], status, value)
        self.server.objects[path] = body
        self.view.put(body)


@pytest.fixture
def search() -> Search:
    return Search(limited(5, 3))


async def test_trials_are_made_once(search: Search) -> None:
    await search.attend()
    await search.attend()
    assert len(search.server.creations) == 3


@pytest.mark.parametrize("survived", [0, 1, 2, 3])
async def test_an_operator_that_ends_between_two_trials_makes_none_twice(search: Search, survived: int) -> None:
    undisturbed = Search(limited(5, 3))
    await undisturbed.attend()
    search.server.refuse = (survived, 500)
    await search.attend()
    assert len(search.server.trials) == survived
    search.server.refuse = None
    search.restart()
    await search.attend()

    def drawn(one: Search) -> dict[str, Any]:
        return {path: body["metadata"]["annotations"] for path, body in one.server.trials.items()}

    assert drawn(search) == drawn(undisturbed)
    assert len(search.server.creations) == 3


async def test_a_trial_that_the_watch_has_not_shown_yet_is_found(search: Search) -> None:
    """Another operator has made it a moment ago; this one has listed the trials before."""
    await search.tuner.seen(search.handle)
    other = Search(limited(5, 3))
    await other.attend()
    search.server.objects |= other.server.trials
    await search.attend()
    assert search.server.creations == []
    assert len(search.view.trials(KEY)) == 3


async def test_somebody_elses_job_of_that_name_is_not_taken(search: Search) -> None:
    other = Search(limited(5, 3))
    await other.attend()
    path = next(iter(other.server.trials))
    search.server.objects[path] = copy.deepcopy(other.server.objects[path])
    search.server.objects[path]["metadata"]["labels"]["sagebridge.io/uid"] = "another"
    await search.attend()
    assert search.view.troubles[KEY].reason is Reason.NAME_CONFLICT


@pytest.mark.parametrize(
    ("status", "reason"), [(403, Reason.NOT_ALLOWED), (422, Reason.INVALID_SPEC), (400, Reason.REJECTED)]
)
async def test_what_the_api_server_refuses_is_told_until_it_works(search: Search, status: int, reason: Reason) -> None:
    search.server.refuse = (1, status)
    await search.attend()
    assert search.view.troubles[KEY].reason is reason
    search.server.refuse = None
    await search.attend()
    assert search.view.troubles == {}
    assert len(search.server.trials) == 3


async def test_what_is_decided_is_recorded_and_holds() -> None:
    search = Search(limited(5, 2, tuningJobCompletionCriteria={"targetObjectiveMetricValue": 0.4}))
    await search.attend()
    first, second = search.server.trials
    search.end(first, value=0.45)
    await search.attend()
    [record] = [body for body in search.server.objects.values() if body["kind"] == "ConfigMap"]
    assert json.loads(record["metadata"]["annotations"][records.ANNOTATION_ENDING])["status"] == "Completed"
    assert search.server.objects[second]["spec"]["runPolicy"]["suspend"] is True
    search.restart()
    await search.attend()
    assert len(search.server.creations) == 2


async def test_no_trial_is_made_after_it_was_told_to_stop(search: Search) -> None:
    """The stop came while the trials were being drawn."""
    await search.tuner.seen(search.handle)
    original = search.tuner.seen

    async def stopped_meanwhile(handle: Handle) -> Any:
        found = await original(handle)
        if search.server.creations and found is not None and found[0].ending is None:
            await search.tuner.end(handle, STOP)
            return await original(handle)
        return found

    search.tuner.seen = stopped_meanwhile  # type: ignore[method-assign]
    await search.attend()
    assert len(search.server.creations) == 1


async def test_a_suspended_search_makes_no_trials(search: Search) -> None:
    await search.attend(suspend=True)
    assert search.server.creations == []


async def test_a_search_that_no_step_attends_any_more_makes_no_trials(search: Search) -> None:
    pod = "tune-0/uid-0"
    metadata = {"uid": OWNER.uid, "namespace": "team", "name": "tune", "creationTimestamp": CREATED}
    noted = metadata | {"annotations": {"sagebridge.io/step-pod": pod}}
    job = Job.parse({"metadata": noted, "spec": {}, "status": {"stepGone": {"pod": pod, "since": CREATED}}})
    await search.tuner._attend(search.handle, job)
    assert search.server.creations == []


async def test_the_deletion_policy_is_handed_down(search: Search) -> None:
    await search.attend()
    await search.attend(deletionPolicy="Retain")
    assert {body["spec"]["runPolicy"]["deletionPolicy"] for body in search.server.trials.values()} == {"Retain"}


async def test_a_search_whose_record_is_spoilt_is_left_alone(search: Search) -> None:
    [record] = [body for body in search.server.objects.values() if body["kind"] == "ConfigMap"]
    record["data"] = {}
    await search.attend()
    assert search.server.creations == []
    assert await search.tuner.seen(search.handle) is None


async def test_a_paused_search_is_not_attended_to(search: Search) -> None:
    metadata = {"uid": OWNER.uid, "namespace": "team", "name": "tune", "annotations": {"sagebridge.io/paused": "true"}}
    search.tuner.attend(search.handle, Job.parse({"metadata": metadata, "spec": {}}))
    assert search.tuner._due == {}


async def test_a_trial_that_was_deleted_is_not_made_again(search: Search) -> None:
    await search.attend()
    last = list(search.server.trials)[-1]
    search.view.remove(search.server.objects.pop(last))
    search.restart()
    await search.attend()
    assert len(search.server.creations) == len(set(search.server.creations)) == 4


async def test_a_trial_of_an_operator_that_ended_before_it_was_recorded_is_not_made_again(search: Search) -> None:
    search.server.refuse = (2, 500)
    await search.attend()
    search.server.refuse = (0, 500)
    search.restart()
    await search.attend()
    for path in list(search.server.trials):
        del search.server.objects[path]
    search.server.refuse = None
    search.restart()
    await search.attend()
    assert len(search.server.creations) == len(set(search.server.creations)) == 5


async def test_an_unexpected_error_is_told_until_it_works(search: Search, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise IndexError("list index out of range")

    with monkeypatch.context() as patched:
        patched.setattr(plans, "draw", broken)
        await search.attend()
    trouble = search.view.troubles[KEY]
    assert trouble.state is State.STALLED
    assert "IndexError: list index out of range" in trouble.message
    await search.attend()
    assert search.view.troubles == {}
    assert len(search.server.trials) == 3
