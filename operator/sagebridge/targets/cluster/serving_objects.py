"""The Kubernetes objects of Endpoints: applied, found again, scaled and deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from sagebridge.core.cluster.drift import holds, surplus
from sagebridge.core.cluster.names import annotations_of, labels_of
from sagebridge.core.cluster.serving import deployment, pods
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_REVISION, LABEL_ENDPOINT
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.kube.client import KubeClient
from sagebridge.kube.discovery import serves
from sagebridge.kube.errors import NotFoundError, RefusedError
from sagebridge.kube.paths import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    SCALED_OBJECTS,
    SERVICES,
    Resource,
)
from sagebridge.targets.cluster.objects import refusal
from sagebridge.targets.cluster.serving_view import Belonging, Part, ServingView, belonging, ours
from sagebridge.targets.denials import outcome, raise_gravest
from sagebridge.targets.protocol import NameConflictError, NotGoneError

Body = Mapping[str, Any]

MANAGER: Final = "sagebridge"
RESOURCES: Final = MappingProxyType(
    {
        Part.DEPLOYMENT: DEPLOYMENTS,
        Part.SERVICE: SERVICES,
        Part.BUDGET: POD_DISRUPTION_BUDGETS,
        Part.REVISION: CONFIG_MAPS,
        Part.HPA: HORIZONTAL_POD_AUTOSCALERS,
        Part.KEDA: SCALED_OBJECTS,
        Part.POD: PODS,
    }
)
"""Where each part is in the API."""

_MADE: Final = (Part.HPA, Part.KEDA, Part.DEPLOYMENT, Part.SERVICE, Part.BUDGET)
"""What is ours to delete: who scales first, so that nobody scales what goes. ConfigMaps go with their object."""
_WHOLE: Final = {Part.SERVICE: ("selector", "ports"), Part.BUDGET: ("selector",)}
"""Of their specs. A further key of a selector selects fewer pods, or none; applying leaves what another has added."""
_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
)
_POD_HASH: Final = "pod-template-hash"


def is_as_asked(part: Part, manifest: Body, body: Body) -> bool:
    """Whether an object is what a manifest says, and where it counts nothing else."""
    metadata = {key: manifest["metadata"][key] for key in ("name", "labels")}
    return holds({"metadata": metadata, "spec": manifest["spec"]}, body) and not excess(part, manifest, body)


def excess(part: Part, manifest: Body, body: Body) -> dict[str, Any]:
    """The merge patch of a spec that takes off what others have added, where it is not theirs to add."""
    wanted, found = ({key: one["spec"].get(key) for key in _WHOLE.get(part, ())} for one in (manifest, body))
    return surplus(wanted, found)


def keep(part: Part, body: Body) -> Body:
    """What of an object is worth its memory."""
    if part is Part.DEPLOYMENT:
        return deployment.essence(body)
    if part is Part.POD:
        return pods.essence(body)
    kept = {"metadata": {key: body["metadata"][key] for key in _METADATA if key in body["metadata"]}}
    return kept | {"spec": body.get("spec") or {}}


class ServingObjects:
    """What the operator reads and writes of endpoints on the cluster.

    `before_write` is asked before each write, and raises when this replica may no longer lead.
    """

    def __init__(self, *, client: KubeClient, view: ServingView, before_write: Callable[[], None]) -> None:
        self._client = client
        self._view = view
        self._before_write = before_write

    async def apply(self, part: Part, manifest: Body, owner: Owner) -> Body:
        """Make an object what a manifest says; what it has become.

        Raises:
            NameConflictError: one of that name is somebody else's.
            NotGoneError: what has to go before it is there still.
            SpecError: the API server does not accept what the manifest asks for.
            NotAllowedError: the operator may not make it.
        """
        await self._check(part, manifest, owner)
        self._before_write()
        with _refused_in_words(not_gone=manifest["metadata"]["name"]):
            body = await self._client.apply(_path(part, manifest), manifest, manager=MANAGER)
            if changes := excess(part, manifest, body):
                changes = {"metadata": {"uid": body["metadata"]["uid"]}, "spec": changes}
                body = await self._client.patch(_path(part, manifest), changes)
        return body if part is Part.REVISION else self._put(part, body)

    async def scale(self, found: Body, replicas: int) -> Body:
        """Give a Deployment so many pods. It is no part of what is applied: taken out of that it would become 1.

        Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
        """
        self._before_write()
        body = {"metadata": {"uid": found["metadata"]["uid"]}, "spec": {"replicas": replicas}}
        with _refused_in_words():
            return self._put(Part.DEPLOYMENT, await self._client.patch(_path(Part.DEPLOYMENT, found), body))

    async def template_of(self, found: Body, revision: str) -> Body | None:
        """The template of an earlier revision of a Deployment, as its ReplicaSet has it; None if that is gone."""
        metadata = found["metadata"]
        selector = f"{LABEL_ENDPOINT}={labels_of(found)[LABEL_ENDPOINT]}"
        async for one in self._client.list(REPLICA_SETS.collection(metadata["namespace"]), selector=selector):
            template = one["spec"]["template"]
            owners = [each["uid"] for each in one["metadata"].get("ownerReferences") or () if each.get("controller")]
            if metadata["uid"] in owners and annotations_of(template).get(ANNOTATION_REVISION) == revision:
                return _without_hash(template)
        return None

    async def whole(self, found: Body) -> Body | None:
        """A Deployment with all that is not worth its memory; None if it is gone."""
        try:
            return await self._client.get(_path(Part.DEPLOYMENT, found))
        except NotFoundError:
            return None

    async def look_for_keda(self, *, namespace: str, name: str) -> None:
        """See the ScaledObject of an endpoint, which nobody follows: not every cluster has such objects."""
        try:
            body = await self._client.get(SCALED_OBJECTS.item(namespace=namespace, name=name))
        except NotFoundError:
            known = self._view.of(namespace=namespace, name=name).of(Part.KEDA, name)
            if known is not None:
                self._view.remove(Part.KEDA, known)
        else:
            self._put(Part.KEDA, body)

    async def check_keda(self) -> None:
        """See whether KEDA is there.

        Raises:
            SpecError: it is not.
        """
        if not await serves(self._client, SCALED_OBJECTS):
            message = (
                "KEDA acts on them, and is not in this cluster: install it (https://keda.sh/docs/latest/deploy/), or "
                "scale by CPUUtilization or MemoryUtilization in autoscaling.customizedMetric"
            )
            raise SpecError("spec.cluster.autoscaling.triggers", message)

    async def delete(self, part: Part, found: Body) -> None:
        """Delete an object; a Deployment stays to be seen until its pods have ended."""
        await self._ask_to_delete(part, found)
        if part is Part.DEPLOYMENT:
            with contextlib.suppress(NotFoundError):
                self._put(part, await self._client.get(_path(part, found)))
                return
        self._view.remove(part, found)

    async def _ask_to_delete(self, part: Part, found: Body) -> None:
        self._before_write()
        is_deployment = part is Part.DEPLOYMENT
        with _refused_in_words():
            await self._client.delete(_path(part, found), uid=found["metadata"]["uid"], foreground=is_deployment)

    async def end_scaler(self, part: Part, found: Body) -> None:
        """Delete who scales, and see it gone: two that scale one Deployment do not agree, and KEDA refuses to be one.

        Until then it stays known. One that is being deleted is looked at only.

        Raises:
            NotGoneError: it is not gone yet.
        """
        if "deletionTimestamp" not in found["metadata"]:
            await self._ask_to_delete(part, found)
        left = await self._still_there(part, found)
        if left is not None:
            self._put(part, left)
            raise _not_gone(part, left)
        self._view.remove(part, found)

    async def _still_there(self, part: Part, found: Body) -> Body | None:
        try:
            left = await self._client.get(_path(part, found))
        except NotFoundError:
            return None
        return left if left["metadata"]["uid"] == found["metadata"]["uid"] else None

    async def scaled_by(self, *, owner: Owner, name: str) -> str:
        """The HorizontalPodAutoscaler by which somebody else scales an endpoint's Deployment; empty without one."""
        found = await self._autoscalers(owner, name)
        return min((each for each, is_going in found.items() if not is_going), default="")

    async def _autoscalers(self, owner: Owner, name: str) -> dict[str, bool]:
        """Those of an endpoint's Deployment that are not its own; whether each goes with our ScaledObject."""
        wanted = {"kind": "Deployment", "name": name}
        listed = self._client.list(HORIZONTAL_POD_AUTOSCALERS.collection(owner.namespace))
        found = [body async for body in listed if holds(wanted, (body.get("spec") or {}).get("scaleTargetRef"))]
        others = [body for body in found if belonging(body, owner) is not Belonging.OURS]
        return {
            body["metadata"]["name"]: _is_kedas(body, name) and not await self._is_anothers(owner, name)
            for body in others
        }

    async def _is_anothers(self, owner: Owner, name: str) -> bool:
        """Whether the ScaledObject that has an endpoint's name is somebody else's."""
        try:
            found = await self._client.get(SCALED_OBJECTS.item(namespace=owner.namespace, name=name))
        except NotFoundError:
            return False
        return belonging(found, owner) is not Belonging.OURS

    async def delete_all(self, *, owner: Owner, name: str) -> None:
        """Delete all that an endpoint consists of."""
        for part, body in self._ours(owner, name):
            if not (part is Part.DEPLOYMENT and "deletionTimestamp" in body["metadata"]):
                await self.delete(part, body)

    async def leave(self, *, owner: Owner, name: str, revisions: Iterable[str]) -> None:
        """Take the object's reference off all that it consists of, so that nothing goes with it.

        What pods read comes first, and holds up the rest: pods can't start without. Of the rest, what can be parted is.

        Raises:
            SpecError: the API server does not accept that for some of it.
            NotAllowedError: the operator may not.
        """
        for revision in revisions:
            await self._leave_document(revision, owner)
        raise_gravest([await outcome(self._leave(part, body, owner)) for part, body in self._ours(owner, name)])

    async def leave_at_last(self, *, owner: Owner, name: str, revisions: Iterable[str]) -> None:
        """As `leave`, where what is not parted now is deleted: nothing holds up the rest, and what is not seen is read.

        Raises:
            sagebridge.kube.errors.KubeError: some of it could not be read, or the API server fails.
            SpecError: the API server does not accept that for some of it.
            NotAllowedError: the operator may not.
        """
        outcomes = [await outcome(self._leave_document(revision, owner)) for revision in revisions]
        outcomes += [await outcome(self._leave_by_name(part, name, owner)) for part in _MADE]
        raise_gravest(outcomes)

    async def _leave_document(self, revision: str, owner: Owner) -> None:
        document = await self.document(revision, owner=owner)
        if document is not None:
            await self._leave(Part.REVISION, document, owner)

    async def _leave_by_name(self, part: Part, name: str, owner: Owner) -> None:
        found = ours(self._view.of(namespace=owner.namespace, name=name).all(part), owner)
        if not found:
            with contextlib.suppress(NotFoundError):
                body = await self._client.get(RESOURCES[part].item(namespace=owner.namespace, name=name))
                found = ours([body], owner)
        for one in found:
            await self._leave(part, one, owner)

    async def _leave(self, part: Part, body: Body, owner: Owner) -> None:
        self._before_write()
        others = [one for one in body["metadata"]["ownerReferences"] if one.get("uid") != owner.uid]
        changes = {"metadata": {"uid": body["metadata"]["uid"], "ownerReferences": others}}
        with contextlib.suppress(NotFoundError), _refused_in_words():
            left = await self._client.patch(_path(part, body), changes)
            if part is not Part.REVISION:
                self._put(part, left)

    async def document(self, revision: str, *, owner: Owner) -> Body | None:
        """The ConfigMap of a revision, if it is the object's; ConfigMaps are nobody's to be listed."""
        try:
            found = await self._client.get(CONFIG_MAPS.item(namespace=owner.namespace, name=revision))
        except NotFoundError:
            return None
        return found if belonging(found, owner) is Belonging.OURS else None

    async def collect(self, revision: str, *, owner: Owner) -> None:
        """Delete the ConfigMap of a revision."""
        found = await self.document(revision, owner=owner)
        if found is not None:
            self._before_write()
            with _refused_in_words():
                await self._client.delete(_path(Part.REVISION, found), uid=found["metadata"]["uid"])

    def remains(self, *, owner: Owner, name: str) -> bool:
        """Whether anything of an endpoint is there."""
        return bool(self._ours(owner, name))

    def _ours(self, owner: Owner, name: str) -> list[tuple[Part, Body]]:
        seen = self._view.of(namespace=owner.namespace, name=name)
        return [(part, body) for part in _MADE for body in ours(seen.all(part), owner)]

    async def _check_nobody_scales(self, owner: Owner, name: str) -> None:
        """Of two autoscalers of one Deployment Kubernetes heeds none."""
        for other, is_going in (await self._autoscalers(owner, name)).items():
            if is_going:
                raise NotGoneError(f"Waiting for KEDA's HorizontalPodAutoscaler of {name} to be gone.")
            message = f"The HorizontalPodAutoscaler {other} scales the Deployment, and is not this object's. Delete it."
            raise NameConflictError(message)

    async def _check(self, part: Part, manifest: Body, owner: Owner) -> None:
        """What is there must be the object's; or what an earlier one of its name has left."""
        name = manifest["metadata"]["name"]
        if part is Part.HPA:
            await self._check_nobody_scales(owner, name)
        known = self._view.of(namespace=owner.namespace, name=labels_of(manifest)[LABEL_ENDPOINT]).of(
            part, manifest["metadata"]["name"]
        )
        if known is not None and belonging(known, owner) is Belonging.OURS:
            return
        try:
            found = await self._client.get(_path(part, manifest))
        except NotFoundError:
            return
        what = f"{part.value}/{manifest['metadata']['name']}"
        whose = belonging(found, owner)
        if whose is Belonging.GOING:
            raise _not_gone(part, found, whose=" of an earlier Endpoint of this name")
        if whose is Belonging.ANOTHERS:
            message = f"{what} is there already and is not this object's: delete it, or make the Endpoint anew with "
            raise NameConflictError(f"{message}another endpointName.")

    def _put(self, part: Part, body: Body) -> Body:
        kept = keep(part, body)
        self._view.put(part, kept)
        return kept


def _path(part: Part, body: Body) -> str:
    resource: Resource = RESOURCES[part]
    return resource.item(namespace=body["metadata"]["namespace"], name=body["metadata"]["name"])


def _without_hash(template: Body) -> dict[str, Any]:
    metadata = {key: value for key, value in template["metadata"].items() if key != "creationTimestamp"}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != _POD_HASH}
    return {"metadata": {**metadata, "labels": labels}, "spec": template["spec"]}


@contextlib.contextmanager
def _refused_in_words(*, not_gone: str = "") -> Iterator[None]:
    """What the API server does not accept: RBAC, quotas, an admission webhook, or a value that can't be.

    KEDA's webhook may still see the autoscaler `not_gone` that was deleted a moment ago: that is no fault of the spec.
    """
    try:
        yield
    except RefusedError as error:
        if not_gone and f"already managed by the hpa '{not_gone}'" in str(error):
            raise NotGoneError(f"Waiting for KEDA to see that {not_gone} is gone: {error}") from error
        raise refusal(error, what="endpoint") from error


def _not_gone(part: Part, found: Body, *, whose: str = "") -> NotGoneError:
    held = ", ".join(found["metadata"].get("finalizers") or ())
    by = f" It is held by its finalizers: {held}." if held else ""
    return NotGoneError(f"Waiting for {part.value}/{found['metadata']['name']}{whose} to be gone.{by}")


def _is_kedas(autoscaler: Body, name: str) -> bool:
    """Whether KEDA has made it for the ScaledObject that has an endpoint's name, with which it goes."""
    owners = autoscaler["metadata"].get("ownerReferences") or ()
    return any((one.get("kind"), one.get("name")) == ("ScaledObject", name) for one in owners)
