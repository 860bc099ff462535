"""Passes over an Endpoint on the cluster, with nobody behind the objects."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_REVISION, LABEL_ENDPOINT, ClusterEndpoint
from sagebridge.core.cluster.serving.manifests import revision
from sagebridge.core.conditions import State, Verdict, build
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.job import Job
from sagebridge.core.names import Owner
from sagebridge.core.reasons import Reason
from sagebridge.engine.failures import Patience
from sagebridge.engine.objects import Objects
from sagebridge.engine.reconciler import ReconcilerSettings
from sagebridge.engine.serving_actions import ServingActions, recorded
from sagebridge.engine.serving_inputs import ServingInput, ServingInputs, as_it_runs
from sagebridge.engine.serving_reconciler import ServingReconciler
from sagebridge.engine.status import StatusWriter
from sagebridge.engine.store import Memory
from sagebridge.kinds import ENDPOINT
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import Resource
from sagebridge.metrics import Metrics
from sagebridge.targets.cluster.serving_objects import ServingObjects
from sagebridge.targets.cluster.serving_view import Part, ServingView
from sagebridge.targets.protocol import NameConflictError, NotGoneError
from support.cluster_endpoints import OWNER, REFERENCE, endpoint

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEW = revision(endpoint())
NO = NotAllowedError("spec.target", "no")
AWAY = KubeError("no webhook answers", status=500)
RESOURCE = Resource(group="sagebridge.io", version="v1alpha1", plural="sagemakerendpoints")


@dataclass(kw_only=True)
class Endpoints:
    """Everything around the reconciler; what is applied is changed back before anybody sees it."""

    refused: str = ""
    not_applied: Exception | None = None
    not_deleted: Exception | None = None
    not_released: Exception | None = None
    wanted: ClusterEndpoint = field(default_factory=endpoint)
    autoscaler: str = ""
    replicas: int = 1
    now: datetime = NOW
    view: ServingView = field(default_factory=ServingView)
    given: list[int] = field(default_factory=list)
    events: list[Reason] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    applied: list[Part] = field(default_factory=list)
    scalers: list[Any] = field(default_factory=list)
    deleted: int = 0
    tries: int = 0
    last_tries: int = 0
    released: int = 0
    manifests: list[Mapping[str, Any]] = field(default_factory=list)
    told: list[tuple[Verdict | None, Mapping[str, Any]]] = field(default_factory=list)

    # --- what the spec means -----------------------------------------------------------------------------------------

    def owner(self, _: Job) -> Owner:
        return OWNER

    def name(self, _: Job) -> str:
        return OWNER.name

    async def resolve(self, _: Job, **__: Any) -> ServingInput:
        if self.refused:
            raise SpecError("spec.models[0]", self.refused)
        return ServingInput(endpoint=self.wanted, models=(), region="eu-west-1")

    # --- objects -----------------------------------------------------------------------------------------------------

    async def document(self, _: str, *, owner: Owner) -> Mapping[str, Any]:
        return {"owner": owner}

    async def apply(self, part: Part, manifest: Mapping[str, Any], _: Owner) -> Mapping[str, Any]:
        if self.not_applied is not None and part is not Part.DEPLOYMENT:
            raise self.not_applied
        self.applied.append(part)
        self.scalers.extend([part] if part in (Part.HPA, Part.KEDA) else [])
        self.manifests.append(manifest)
        return deployment(replicas=self.replicas) if part is Part.DEPLOYMENT else manifest

    async def end_scaler(self, part: Part, found: Mapping[str, Any]) -> None:
        if "finalizers" in found["metadata"]:
            raise NotGoneError("Waiting for scaledobjects/digits to be gone.")
        self.scalers.append(f"no {part}")
        self.view.remove(part, found)

    async def check_keda(self) -> None:
        """It is there."""

    async def look_for_keda(self, *, namespace: str, name: str) -> None:
        assert (namespace, name) == (OWNER.namespace, OWNER.name)

    async def delete_all(self, *, owner: Owner, name: str) -> None:
        assert (owner, name) == (OWNER, OWNER.name)
        self.tries += 1
        if self.not_deleted is not None:
            raise self.not_deleted
        self.deleted += 1
        going = deployment()
        going["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "2"}
        self.view.put(Part.DEPLOYMENT, going)

    async def leave(self, *, owner: Owner, name: str, revisions: Collection[str]) -> None:
        assert (owner, name, revisions) == (OWNER, OWNER.name, [])
        self.tries += 1
        if self.not_deleted is not None:
            raise self.not_deleted

    async def leave_at_last(self, *, owner: Owner, name: str, revisions: Collection[str]) -> None:
        self.last_tries += 1
        await self.leave(owner=owner, name=name, revisions=revisions)

    async def release(self, _: Memory) -> None:
        if self.not_released is not None:
            raise self.not_released
        self.released += 1

    async def scaled_by(self, *, owner: Owner, name: str) -> str:
        assert (owner, name) == (OWNER, OWNER.name)
        return self.autoscaler

    async def scale(self, _: Mapping[str, Any], replicas: int) -> Mapping[str, Any]:
        self.given.append(replicas)
        return deployment()

    async def whole(self, found: Mapping[str, Any]) -> Mapping[str, Any]:
        spec = {"selector": {"matchLabels": {}}, "strategy": {"type": "RollingUpdate"}, "replicas": 7}
        metadata = found["metadata"] | {"annotations": {"sagebridge.io/agent-image": "a", "somebody/else": "b"}}
        return {"metadata": metadata, "spec": found["spec"] | spec}

    async def template_of(self, _: Mapping[str, Any], revision: str) -> Mapping[str, Any]:
        return {"metadata": {"annotations": {ANNOTATION_REVISION: revision}}}

    def remains(self, *, owner: Owner, name: str) -> bool:
        return bool(owner and name)

    # --- status ------------------------------------------------------------------------------------------------------

    async def write(
        self, _: Memory, *, resource: Resource, verdict: Verdict | None, changes: Mapping[str, Any], quietly: bool
    ) -> None:
        assert resource is RESOURCE
        if "scalingPolicies" in changes:
            self.scalers.append([one["policyType"] for one in changes["scalingPolicies"] or ()])
        if not quietly:
            self.told.append((verdict, changes))

    def tell(self, *_: Any, **__: Any) -> None:
        """Nobody listens to these Events."""

    def emit_on_namespace(self, _: str, *, reason: Reason, message: str) -> None:
        assert reason is Reason.ORPHANED
        self.orphans.append(message)

    def emit(self, _: Job, *, reason: Reason, **__: Any) -> None:
        self.events.append(reason)


def deployment(*, replicas: int = 1) -> dict[str, Any]:
    """As the API server shows it: whole, with pods that serve."""
    labels = {"sagebridge.io/uid": OWNER.uid, LABEL_ENDPOINT: OWNER.name}
    return {
        "metadata": {
            "name": OWNER.name,
            "namespace": OWNER.namespace,
            "uid": "d",
            "generation": 1,
            "resourceVersion": "1",
            "labels": labels,
            "ownerReferences": [REFERENCE],
        },
        "spec": {"replicas": replicas, "template": {"metadata": {"annotations": {ANNOTATION_REVISION: NEW}}}},
        "status": {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
        },
    }


def an_object(**more: Any) -> Memory:
    metadata = {
        "uid": OWNER.uid,
        "namespace": OWNER.namespace,
        "name": OWNER.name,
        "resourceVersion": "1",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["sagebridge.io/finalizer"],
    }
    update = {"key": content_hash([NEW, ""]), "recordedAt": "2026-01-01T00:00:00Z", "endpointConfigName": NEW}
    status = {"observedGeneration": 2, "endpointConfigName": NEW, "update": update, **more}
    body = {"metadata": metadata, "spec": {"target": "Cluster"}, "status": status}
    return Memory(kind=ENDPOINT.kind, body=body, job=Job.parse(body))


def deleted(policy: str, **more: Any) -> Memory:
    """An Endpoint whose deletion was asked for a moment ago."""
    memory = an_object(**more)
    metadata = memory.job.metadata | {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    body = {**memory.body, "metadata": metadata, "spec": {"runPolicy": {"deletionPolicy": policy}}}
    return Memory(kind=ENDPOINT.kind, body=body, job=Job.parse(body))


def reconciler(around: Endpoints, *, is_blind: bool = False) -> ServingReconciler:
    view = around.view
    view.put(Part.DEPLOYMENT, deployment(replicas=around.replicas))
    actions = ServingActions(
        resource=RESOURCE,
        objects=cast("ServingObjects", around),
        view=view,
        inputs=cast("ServingInputs", around),
        status=cast("StatusWriter", around),
        own=cast("Objects", around),
        metrics=Metrics(registry=CollectorRegistry()),
        now=lambda: NOW,
    )
    settings = ReconcilerSettings(deletion_deadline=timedelta(hours=1), patience=Patience())
    sees = {"another"} if is_blind else {OWNER.namespace}
    return ServingReconciler(actions=actions, settings=settings, now=lambda: around.now, is_seeing=sees.__contains__)


async def test_whoever_changes_a_service_back_at_once_is_not_to_be_outrun() -> None:
    around = Endpoints()
    await reconciler(around).reconcile(an_object())
    assert around.applied == [Part.DEPLOYMENT, Part.SERVICE, Part.BUDGET]
    verdict, _ = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.IN_SERVICE


async def test_a_count_that_is_somebody_elses_is_left_to_him_and_told_once() -> None:
    around = Endpoints(autoscaler="theirs", replicas=3)
    passes = reconciler(around)
    for _ in range(2):
        assert await passes.reconcile(an_object()) == 30.0, "no event tells that it is gone"
    verdict, changes = around.told[-1]
    assert verdict is not None
    assert verdict.message.endswith(
        "on 3 pods. How many is said by the HorizontalPodAutoscaler theirs, and not by spec.replicas."
    )
    assert (verdict.reason, changes["replicas"], around.given) == (Reason.IN_SERVICE, 3, [])
    assert around.events.count(Reason.SCALED_BY_ANOTHER) == 1

    around.autoscaler = ""
    await passes.reconcile(an_object())

    assert around.given[:1] == [1], "the spec's holds again"


def scaled_object(*, version: str = "1", **more: Any) -> dict[str, Any]:
    metadata = {key: value for key, value in deployment()["metadata"].items() if key != "generation"}
    return {"metadata": metadata | {"resourceVersion": version} | more, "spec": {}}


async def test_a_scaled_object_that_keda_does_not_let_go_is_waited_for_and_the_rest_goes_on() -> None:
    around = Endpoints()
    passes = reconciler(around)
    around.view.put(Part.KEDA, scaled_object(finalizers=["finalizer.keda.sh"]))
    pauses = [await passes.reconcile(an_object()) for _ in range(3)]
    verdict, changes = around.told[-1]
    assert verdict is not None
    assert (verdict.state, verdict.reason) == (State.PROGRESSING, Reason.WAITING_FOR_REMOVAL)
    assert verdict.message == "Waiting for scaledobjects/digits to be gone."
    assert (changes["endpointStatus"], changes["replicas"], pauses[0]) == ("InService", 1, 0.5)
    assert around.applied[:3] == [Part.DEPLOYMENT, Part.SERVICE, Part.BUDGET]
    assert Reason.DRIFT_CORRECTED not in around.events, "nobody has changed anything"

    around.view.put(Part.KEDA, scaled_object(version="2"))
    await passes.reconcile(an_object())

    verdict, _ = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.IN_SERVICE


async def test_no_other_scaler_is_made_beside_one_that_stays() -> None:
    around = Endpoints(wanted=endpoint(CPU))
    around.view.put(Part.KEDA, scaled_object(finalizers=["finalizer.keda.sh"]))
    await reconciler(around).reconcile(an_object())
    assert around.applied == [Part.DEPLOYMENT, Part.SERVICE, Part.BUDGET]


@pytest.mark.parametrize(
    ("reason", "error", "state"),
    [
        ("it is waited for", NotGoneError("Waiting."), State.PROGRESSING),
        ("somebody has to act", NameConflictError("theirs scales the Deployment"), State.STALLED),
        ("the API server does not accept it", SpecError("spec.cluster", "exceeded quota"), State.STALLED),
    ],
)
async def test_an_update_is_guarded_whatever_becomes_of_what_goes_beside_it(
    reason: str, error: Exception, state: State
) -> None:
    around = Endpoints(not_applied=error)
    await reconciler(around).reconcile(an_object(endpointConfigName="digits-old"))
    reached = [changes for _, changes in around.told if changes.get("endpointConfigName") == NEW]
    assert reached, reason

    await reconciler(around).reconcile(an_object())

    verdict, _ = around.told[-1]
    assert verdict is not None
    assert (verdict.state, str(error) in verdict.message) == (state, True), reason


CPU = {
    "autoscaling": {
        "minCapacity": 1,
        "maxCapacity": 3,
        "targetValue": 100,
        "customizedMetric": {"metricName": "CPUUtilization", "statistic": "Average"},
    }
}
TRIGGERED = endpoint({"autoscaling": {"minCapacity": 1, "maxCapacity": 3}}, cluster={"autoscaling": {"triggers": [{}]}})


@pytest.mark.parametrize(
    ("reason", "wanted", "there", "want"),
    [
        ("it is told before it is made", TRIGGERED, [], [["ScaledObject"], Part.KEDA, ["ScaledObject"]]),
        ("it is told until it is gone", endpoint(), [{}], [["ScaledObject"], "no scaledobjects", []]),
        (
            "so it is beside another",
            endpoint(CPU),
            [{}],
            [["HorizontalPodAutoscaler", "ScaledObject"], "no scaledobjects", Part.HPA, ["HorizontalPodAutoscaler"]],
        ),
        ("it does not go", endpoint(), [{"finalizers": ["keda"]}], [["ScaledObject"], ["ScaledObject"]]),
    ],
)
async def test_a_scaled_object_is_found_again_wherever_an_operator_dies(
    reason: str, wanted: ClusterEndpoint, there: list[dict[str, Any]], want: list[Any]
) -> None:
    """Nobody follows them: the next process looks for the one that status tells of."""
    around = Endpoints(wanted=wanted)
    for more in there:
        around.view.put(Part.KEDA, scaled_object(**more))
    await reconciler(around).reconcile(an_object())
    assert around.scalers == want, reason


async def test_a_new_revision_does_not_make_a_scaled_object_forgotten() -> None:
    around = Endpoints()
    around.view.put(Part.KEDA, scaled_object())
    before = {"key": "another", "recordedAt": "2026-01-01T00:00:00Z", "endpointConfigName": "digits-old"}
    await reconciler(around).reconcile(an_object(update=before))
    assert around.scalers[0] == ["ScaledObject"]


async def test_what_was_deleted_while_no_operator_ran_is_deleted_and_waited_for() -> None:
    around = Endpoints()
    memory = an_object()
    memory.body = {**memory.body, "metadata": memory.job.metadata | {"deletionTimestamp": "2025-12-01T00:00:00Z"}}
    memory.job = Job.parse(memory.body)
    await reconciler(around).reconcile(memory)
    assert (around.deleted, around.released) == (1, 0)
    assert [verdict.reason for verdict, _ in around.told if verdict] == [Reason.DELETING, Reason.DELETING]


@pytest.mark.parametrize(
    ("policy", "fate", "orphan", "last_tries"),
    [
        ("Stop", "what is left is reported.", "its Deployment, or pods of it, have not ended.", 0),
        (
            "Retain",
            "what could not be retained is deleted with it.",
            "what was to be retained could not be parted from it in time, and is deleted with it.",
            1,
        ),
    ],
)
async def test_a_deletion_that_is_refused_says_when_it_ends_is_tried_often_and_ends(
    policy: str, fate: str, orphan: str, last_tries: int
) -> None:
    around = Endpoints(not_deleted=NO)
    memory, passes = deleted(policy), reconciler(around)
    assert await passes.reconcile(memory) == 30.0
    verdict, _ = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.DELETION_BLOCKED
    assert verdict.message.endswith(f"At 2026-01-01T01:00:00Z the object is released all the same, and {fate}")
    assert (around.tries, around.released) == (1, 0)

    around.now += timedelta(hours=1, seconds=1)
    await passes.reconcile(memory)

    assert (around.tries, around.last_tries, around.released) == (1 + last_tries, last_tries, 1)
    [told] = around.orphans
    assert told.endswith(f"is released though {orphan}")


async def test_a_deletion_ends_though_the_api_server_fails() -> None:
    around = Endpoints(not_deleted=AWAY)
    memory, passes = deleted("Stop"), reconciler(around)
    with pytest.raises(KubeError):
        await passes.reconcile(memory)

    around.now += timedelta(hours=1, seconds=1)
    await passes.reconcile(memory)

    assert (around.tries, around.released, len(around.orphans)) == (1, 1, 1)


@pytest.mark.parametrize("is_blind", [False, True])
async def test_what_is_to_be_retained_is_never_given_up_for_a_failure_that_passes(*, is_blind: bool) -> None:
    """Another process had worked at it for the whole of the deadline, and the API server is back a moment ago."""
    around = Endpoints(not_deleted=AWAY)
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message="m")
    said = build(verdict, previous=(), generation=2, now="2026-01-01T00:00:00Z")
    memory, passes = deleted("Retain", conditions=said), reconciler(around, is_blind=is_blind)
    around.now += timedelta(hours=5)
    if is_blind:
        await passes.reconcile(memory)
        around.now += timedelta(hours=1, minutes=2)
    for _ in range(3):
        with pytest.raises(KubeError):
            await passes.reconcile(memory)
        around.now += timedelta(hours=1)
    around.not_deleted = NO
    await passes.reconcile(memory)
    assert (around.tries, around.released, around.orphans) == (4, 0, []), "it was denied once only"
    around.now += timedelta(seconds=30)
    around.not_deleted = AWAY
    with pytest.raises(KubeError):
        await passes.reconcile(memory)
    assert (around.tries, around.released, around.orphans) == (5, 0, [])


async def test_what_is_to_be_retained_is_parted_from_an_object_that_is_paused() -> None:
    """At the deadline it would be deleted with it."""
    around = Endpoints(not_deleted=NotAllowedError("spec.target", "no"))
    memory = deleted("Retain")
    metadata = {**memory.job.metadata, "annotations": {"sagebridge.io/paused": "true"}}
    memory.job = Job.parse({**memory.body, "metadata": metadata})

    await reconciler(around).reconcile(memory)

    assert around.tries == 1


@pytest.mark.parametrize(
    ("policy", "error", "tries", "orphans"),
    [("Stop", None, 0, 1), ("Stop", NO, 0, 1), ("Stop", AWAY, 0, 1), ("Retain", None, 1, 0)],
)
async def test_a_deletion_ends_though_nothing_can_be_seen(
    policy: str, error: Exception | None, tries: int, orphans: int
) -> None:
    """The right to list one of its parts is missing; what is to be retained is read by its name, and is."""
    around = Endpoints(not_deleted=error)
    memory = deleted(policy)
    memory.stale_because = "refused."
    blind = reconciler(around, is_blind=True)
    assert await blind.reconcile(memory) == 1.0
    verdict, _ = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.DELETION_BLOCKED
    assert around.released == 0
    around.now += timedelta(hours=1, minutes=2)
    await blind.reconcile(memory)
    assert (around.deleted, around.tries, around.last_tries, around.released) == (0, tries, tries, 1)
    assert len(around.orphans) == orphans


async def test_what_is_to_be_retained_is_let_go_where_it_can_neither_be_seen_nor_parted() -> None:
    around = Endpoints(not_deleted=NO)
    memory, blind = deleted("Retain"), reconciler(around, is_blind=True)
    await blind.reconcile(memory)
    around.now += timedelta(hours=1, minutes=2)
    await blind.reconcile(memory)
    verdict, _ = around.told[-1]
    assert verdict is not None
    assert " At 2026-01-01T01:03:00Z the object is released all the same" in verdict.message
    assert (around.tries, around.released) == (1, 0)

    around.now += timedelta(minutes=1, seconds=1)
    await blind.reconcile(memory)

    assert (around.released, len(around.orphans)) == (1, 1)


@pytest.mark.parametrize(
    ("reason", "error", "released", "orphans"),
    [
        ("it is parted after all", None, 1, 0),
        ("what was denied may be allowed in a moment", AWAY, 0, 0),
    ],
)
async def test_what_is_to_be_retained_is_tried_a_last_time_before_its_object_goes(
    reason: str, error: Exception | None, released: int, orphans: int
) -> None:
    around = Endpoints(not_deleted=NO)
    memory, passes = deleted("Retain"), reconciler(around)
    await passes.reconcile(memory)
    around.now += timedelta(hours=1, seconds=1)

    around.not_deleted = error
    with contextlib.nullcontext() if error is None else pytest.raises(KubeError):
        await passes.reconcile(memory)

    assert (around.last_tries, around.released, len(around.orphans)) == (1, released, orphans), reason
    if error is not None:
        around.not_deleted = NO
        await passes.reconcile(memory)
        assert around.released == 0, reason


async def test_what_is_left_behind_is_told_once_however_often_its_object_is_not_let_go() -> None:
    around = Endpoints(not_deleted=NotAllowedError("spec.target", "no"), not_released=KubeError("no webhook answers"))
    memory, passes = deleted("Stop"), reconciler(around)
    await passes.reconcile(memory)
    around.now += timedelta(hours=1, seconds=1)

    for _ in range(3):
        with pytest.raises(KubeError):
            await passes.reconcile(memory)

    assert len(around.orphans) == 1


async def test_what_runs_is_told_though_the_spec_is_wrong() -> None:
    around = Endpoints(refused="is no model")
    await reconciler(around).reconcile(an_object())
    verdict, changes = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.INVALID_SPEC
    assert changes == {"endpointStatus": "InService", "failureReason": None, "replicas": 1}


async def test_an_update_that_has_failed_goes_back_though_the_spec_is_wrong() -> None:
    around = Endpoints(refused="is no model")
    failure = {"key": content_hash([NEW, ""]), "message": "it crashed", "time": "2026-01-01T00:00:00Z"}
    await reconciler(around).reconcile(an_object(endpointConfigName="digits-old", lastFailure=failure))
    [manifest] = around.manifests
    assert manifest["spec"] == {
        "selector": {"matchLabels": {}},
        "strategy": {"type": "RollingUpdate"},
        "template": {"metadata": {"annotations": {ANNOTATION_REVISION: "digits-old"}}},
    }
    assert manifest["metadata"]["annotations"] == {"sagebridge.io/agent-image": "a"}
    assert manifest["metadata"]["ownerReferences"] == [REFERENCE]
    verdict, changes = around.told[-1]
    assert verdict is not None
    assert verdict.reason is Reason.INVALID_SPEC
    assert changes["failureReason"] == "it crashed"


def test_what_serves_is_recorded_however_many_after_it_have_failed() -> None:
    found = [Revision(number=number, config_name=f"r{number}") for number in range(1, 20)]
    assert [one.number for one in recorded(found, good="r2")] == [2, *range(9, 20)]
    assert [one.number for one in recorded(found, good="r15")] == [*range(9, 20)]


def test_a_new_operator_changes_no_pod_and_tries_nothing_again() -> None:
    before = endpoint().with_agent_image("registry.example/sagebridge:0")

    def image(running: Collection[str]) -> str:
        return as_it_runs(
            endpoint(), agent_image="registry.example/sagebridge:0", running=running
        ).pod.settings.agent_image

    assert image({"what serves", revision(before)}) == "registry.example/sagebridge:0"
    assert image({"what serves"}) == "registry.example/sagebridge:1"
