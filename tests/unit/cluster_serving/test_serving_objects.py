"""What is written of endpoints, beside others who write there, too."""
# ruff: noqa: E501

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from sagebridge.core.cluster.serving import manifests
from sagebridge.core.cluster.serving.endpoint import LABEL_ENDPOINT
from sagebridge.core.errors import NotAllowedError
from sagebridge.kube.errors import KubeError, RefusedError
from sagebridge.targets.cluster.serving_objects import RESOURCES, ServingObjects, is_as_asked
from sagebridge.targets.cluster.serving_view import Part, ServingView
from sagebridge.targets.protocol import NameConflictError, NotGoneError
from support.cluster_endpoints import OWNER, REFERENCE, endpoint
from support.memory_api import MemoryApi

CPU = {"metricName": "CPUUtilization", "statistic": "Average"}
SCALED = {"autoscaling": {"minCapacity": 1, "maxCapacity": 3, "targetValue": 100, "customizedMetric": CPU}}
KEDAS = {"autoscaling": {"minCapacity": 0, "maxCapacity": 3}}
TRIGGERS = {"autoscaling": {"triggers": [{"type": "cron"}]}}
SERVICE = manifests.service_manifest(endpoint(), REFERENCE)
BUDGET = manifests.budget_manifest(endpoint(), REFERENCE)
HPA = manifests.scaler_manifest(endpoint(SCALED), REFERENCE)
KEDA = manifests.scaler_manifest(endpoint(KEDAS, cluster=TRIGGERS), REFERENCE)
TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": OWNER.name}


class Api(MemoryApi):
    """`refusal` is what a webhook says of what is applied; of the collection `kept` no object can be patched, of `away` not now."""

    refusal = ""
    kept = ""
    away = ""

    async def patch(self, path: str, body: Any) -> Any:
        if self.away and f"/{self.away}/" in path:
            raise KubeError("no answer")
        if self.kept and f"/{self.kept}/" in path:
            raise RefusedError(f"{self.kept} is forbidden", status=403)
        return await super().patch(path, body)

    async def apply(self, path: str, body: Any, *, manager: str) -> Any:
        if self.refusal:
            raise RefusedError(self.refusal, status=403)
        return await super().apply(path, body, manager=manager)

    def put(self, part: Part, name: str = OWNER.name, *, spec: Any = None, **metadata: Any) -> dict[str, Any]:
        path = RESOURCES[part].item(namespace=OWNER.namespace, name=name)
        known = {"name": name, "namespace": OWNER.namespace, "uid": name}
        self.objects[path] = {"metadata": known | metadata, "spec": spec or {}}
        return self.objects[path]

    def there(self, part: Part, name: str = OWNER.name) -> dict[str, Any] | None:
        return self.objects.get(RESOURCES[part].item(namespace=OWNER.namespace, name=name))


def objects(api: Api, *, view: ServingView | None = None) -> ServingObjects:
    client: Any = api
    return ServingObjects(client=client, view=view or ServingView(), before_write=lambda: None)


@pytest.mark.parametrize(
    ("reason", "part", "manifest", "added"),
    [
        ("a key by which the Service has no pods", Part.SERVICE, SERVICE, {"selector": {"track": "canary"}}),
        ("a port", Part.SERVICE, SERVICE, {"ports": [*SERVICE["spec"]["ports"], {"port": 81, "name": "other"}]}),
        ("a label", Part.BUDGET, BUDGET, {"selector": {"matchLabels": {"track": "canary"}}}),
        ("expressions", Part.BUDGET, BUDGET, {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}),
    ],
)
async def test_what_others_add_where_it_counts_is_taken_off(
    reason: str, part: Part, manifest: dict[str, Any], added: dict[str, Any]
) -> None:
    api, name = Api(), OWNER.name
    await objects(api).apply(part, manifest, OWNER)
    path = RESOURCES[part].item(namespace=OWNER.namespace, name=name)
    await api.patch(path, {"spec": added})
    assert not is_as_asked(part, manifest, api.objects[path]), reason

    after = await objects(api).apply(part, manifest, OWNER)

    assert is_as_asked(part, manifest, after), reason
    assert api.objects[path]["spec"] == manifest["spec"], reason


async def test_what_the_api_server_fills_in_is_left() -> None:
    api = Api()
    await objects(api).apply(Part.SERVICE, SERVICE, OWNER)
    api.objects[RESOURCES[Part.SERVICE].item(namespace=OWNER.namespace, name=OWNER.name)]["spec"]["clusterIP"] = (
        "10.0.0.1"
    )

    after = await objects(api).apply(Part.SERVICE, SERVICE, OWNER)

    assert after["spec"]["clusterIP"] == "10.0.0.1"
    assert is_as_asked(Part.SERVICE, SERVICE, after)
    assert [method for method, _ in api.writes] == ["APPLY", "APPLY"]


@pytest.mark.parametrize(
    ("reason", "made", "scaled_by"),
    [
        ("nobody scales it", {}, ""),
        ("somebody does", {"theirs": {"spec": {"scaleTargetRef": TARGET}}}, "theirs"),
        ("it is another Deployment", {"theirs": {"spec": {"scaleTargetRef": TARGET | {"name": "other"}}}}, ""),
        ("it is no Deployment", {"theirs": {"spec": {"scaleTargetRef": TARGET | {"kind": "StatefulSet"}}}}, ""),
        ("it is ours, and goes", {OWNER.name: {"spec": {"scaleTargetRef": TARGET}, "ownerReferences": [REFERENCE]}}, ""),
        (
            "it is KEDA's, and goes with our ScaledObject",
            {"kedas": {"spec": {"scaleTargetRef": TARGET}, "ownerReferences": [{"kind": "ScaledObject", "name": OWNER.name}]}},
            "",
        ),
        (
            "KEDA has made it for somebody else",
            {"kedas": {"spec": {"scaleTargetRef": TARGET}, "ownerReferences": [{"kind": "ScaledObject", "name": "theirs"}]}},
            "kedas",
        ),
    ],
)  # fmt: skip
async def test_who_else_scales(reason: str, made: dict[str, Any], scaled_by: str) -> None:
    api = Api()
    for name, given in made.items():
        api.put(Part.HPA, name, **given)

    assert await objects(api).scaled_by(owner=OWNER, name=OWNER.name) == scaled_by, reason


async def test_a_scaled_object_of_the_endpoints_name_may_be_somebody_elses() -> None:
    api = Api()
    owners = [{"kind": "ScaledObject", "name": OWNER.name}]
    api.put(Part.HPA, "kedas", spec={"scaleTargetRef": TARGET}, ownerReferences=owners)
    api.put(Part.KEDA)

    assert await objects(api).scaled_by(owner=OWNER, name=OWNER.name) == "kedas"


async def test_who_scaled_is_seen_gone() -> None:
    """KEDA has a finalizer on its ScaledObjects."""
    api, view = Api(), ServingView()
    found = dict(api.put(Part.KEDA, ownerReferences=[REFERENCE], finalizers=["finalizer.keda.sh"]))
    for _ in range(3):
        with pytest.raises(NotGoneError) as caught:
            await objects(api, view=view).end_scaler(Part.KEDA, found)
        known = view.of(namespace=OWNER.namespace, name="").of(Part.KEDA, OWNER.name)
        assert known is not None, "it is come back to"
        found = dict(known)
    told = "Waiting for scaledobjects/digits to be gone. It is held by its finalizers: finalizer.keda.sh."
    assert (str(caught.value), api.writes) == (told, [("DELETE", "scaledobjects")])

    api.objects.clear()
    await objects(api, view=view).end_scaler(Part.KEDA, found)

    assert view.of(namespace=OWNER.namespace, name="").of(Part.KEDA, OWNER.name) is None


@pytest.mark.parametrize(
    ("reason", "kept", "left", "remains"),
    [
        ("all of it is", "", [Part.REVISION, Part.HPA, Part.SERVICE], False),
        (
            "a part that can't be keeps no other from it",
            "horizontalpodautoscalers",
            [Part.REVISION, Part.SERVICE],
            True,
        ),
        ("what pods read has to be, before the pods go on alone", "configmaps", [], True),
    ],
)
async def test_what_can_be_parted_from_its_object_is(reason: str, kept: str, left: list[Part], remains: bool) -> None:
    api, view = Api(), ServingView()
    api.kept = kept
    for part in (Part.REVISION, Part.HPA, Part.SERVICE):
        body = api.put(part, ownerReferences=[REFERENCE], labels={LABEL_ENDPOINT: OWNER.name})
        if part is not Part.REVISION:
            view.put(part, body)
    parted = objects(api, view=view)

    with contextlib.nullcontext() if not kept else pytest.raises(NotAllowedError, match=kept):
        await parted.leave(owner=OWNER, name=OWNER.name, revisions=[OWNER.name])

    found = {part: api.there(part) or {} for part in (Part.REVISION, Part.HPA, Part.SERVICE)}
    assert [part for part, body in found.items() if not body["metadata"]["ownerReferences"]] == left, reason
    assert parted.remains(owner=OWNER, name=OWNER.name) is remains, reason


@pytest.mark.parametrize(
    ("reason", "kept", "left"),
    [
        ("all of it is", "", [Part.REVISION, Part.KEDA, Part.DEPLOYMENT, Part.SERVICE]),
        ("the rest goes on without what pods read", "configmaps", [Part.KEDA, Part.DEPLOYMENT, Part.SERVICE]),
        (
            "a part that can't be keeps no other from it",
            "scaledobjects",
            [Part.REVISION, Part.DEPLOYMENT, Part.SERVICE],
        ),
    ],
)
async def test_at_last_whatever_can_be_parted_is_seen_or_not(reason: str, kept: str, left: list[Part]) -> None:
    api, view, parts = Api(), ServingView(), (Part.REVISION, Part.KEDA, Part.DEPLOYMENT, Part.SERVICE)
    api.kept = kept
    for part in parts:
        body = api.put(part, ownerReferences=[REFERENCE], labels={LABEL_ENDPOINT: OWNER.name})
        if part is Part.SERVICE:
            view.put(part, body)
    theirs = api.put(Part.BUDGET, ownerReferences=[REFERENCE | {"uid": "another's"}])

    with contextlib.nullcontext() if not kept else pytest.raises(NotAllowedError, match=kept):
        await objects(api, view=view).leave_at_last(owner=OWNER, name=OWNER.name, revisions=[OWNER.name])

    found = {part: api.there(part) or {} for part in parts}
    assert [part for part, body in found.items() if not body["metadata"]["ownerReferences"]] == left, reason
    assert theirs["metadata"]["ownerReferences"], "what is another's stays so"


@pytest.mark.parametrize("is_last", [False, True])
async def test_of_a_denial_and_a_failure_that_passes_the_latter_is_told(*, is_last: bool) -> None:
    """Over a denial what is left is given up."""
    api, view = Api(), ServingView()
    for part in (Part.HPA, Part.SERVICE):
        view.put(part, api.put(part, ownerReferences=[REFERENCE], labels={LABEL_ENDPOINT: OWNER.name}))
    api.kept, api.away = "horizontalpodautoscalers", "services"
    parted = objects(api, view=view)

    with pytest.raises(KubeError, match="no answer"):
        await (parted.leave_at_last if is_last else parted.leave)(owner=OWNER, name=OWNER.name, revisions=[])


async def test_a_scaled_object_that_stays_makes_no_news_at_each_look() -> None:
    """Each piece of news is a pass at once."""
    api, view = Api(), ServingView()
    news: list[str] = []
    view.changed = news.append
    found: Any = api.put(Part.KEDA, ownerReferences=[REFERENCE], finalizers=["finalizer.keda.sh"])
    for _ in range(3):
        with pytest.raises(NotGoneError):
            await objects(api, view=view).end_scaler(Part.KEDA, found)
        found = view.of(namespace=OWNER.namespace, name="").of(Part.KEDA, OWNER.name)

    assert len(news) == 1


async def test_kedas_own_autoscaler_is_waited_for_too() -> None:
    api = Api()
    owners = [{"kind": "ScaledObject", "name": OWNER.name}]
    api.put(Part.HPA, "keda-hpa-digits", spec={"scaleTargetRef": TARGET}, ownerReferences=owners)
    assert HPA is not None
    with pytest.raises(NotGoneError, match="Waiting for KEDA's HorizontalPodAutoscaler of digits to be gone"):
        await objects(api).apply(Part.HPA, HPA, OWNER)

    api.objects.clear()
    await objects(api).apply(Part.HPA, HPA, OWNER)

    assert api.there(Part.HPA) is not None


async def test_beside_somebody_elses_autoscaler_none_is_made() -> None:
    api = Api()
    api.put(Part.HPA, "theirs", spec={"scaleTargetRef": TARGET})
    assert HPA is not None

    with pytest.raises(NameConflictError, match="The HorizontalPodAutoscaler theirs scales the Deployment"):
        await objects(api).apply(Part.HPA, HPA, OWNER)

    assert [path for path in api.objects if "theirs" not in path] == []


@pytest.mark.parametrize(
    ("reason", "autoscaler", "error"),
    [
        ("it was deleted a moment ago, and KEDA's cache has it still", OWNER.name, NotGoneError),
        ("it is somebody else's, who has to act", "theirs", NotAllowedError),
    ],
)
async def test_keda_refuses_what_another_scales(reason: str, autoscaler: str, error: type[Exception]) -> None:
    api = Api()
    api.refusal = f"the workload 'digits' of type 'apps/v1.Deployment' is already managed by the hpa '{autoscaler}'"
    assert KEDA is not None
    with pytest.raises(Exception, match="already managed") as caught:
        await objects(api).apply(Part.KEDA, KEDA, OWNER)
    assert isinstance(caught.value, error), reason
