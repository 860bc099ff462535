"""The Kubernetes objects of attempts: made once, found again, changed and deleted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sagebridge.core.cluster.engines import JOB_SET_GROUP, MISSING, is_job_set, member_name, member_of, owner_uid
from sagebridge.core.cluster.jobs import TO_END
from sagebridge.core.cluster.names import (
    LABEL_ATTEMPT,
    LABEL_UID,
    annotations_of,
    job_set_name,
    kubernetes_name,
    labels_of,
    selector,
)
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.kube.client import KubeClient
from sagebridge.kube.discovery import serves
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.kube.paths import (
    CONFIG_MAPS,
    JOB_SETS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SERVICES,
    Resource,
)
from sagebridge.schema.kind import GROUP
from sagebridge.targets.protocol import Handle, NameConflictError

Body = Mapping[str, Any]
Marks = Callable[[Body, Handle], bool]
"""Whether an object was made for an attempt."""
_PLURALS = {
    "services": SERVICES,
    "configmaps": CONFIG_MAPS,
    "persistentvolumeclaims": PERSISTENT_VOLUME_CLAIMS,
}
_CONTROLLERS = (GROUP, JOB_SET_GROUP)
_FORBIDDEN = 403


class ClusterObjects:
    """What the cluster target reads and writes.

    `before_write` is asked before each write, and raises when this replica may no longer lead.
    """

    def __init__(self, *, client: KubeClient, before_write: Callable[[], None]) -> None:
        self._client = client
        self._before_write = before_write

    async def job(self, handle: Handle) -> dict[str, Any] | None:
        """The handle's Job, of its own or its JobSet's; None if there is none, or one of that name is another's.

        A JobSet that has no Job, yet or any more, comes as `engines.as_job` shows it.
        """
        namespace, owner = handle.owner.namespace, handle.owner
        found = await self._found(JOBS, namespace, kubernetes_name(owner, handle.attempt))
        if found is not None and is_of(found, handle) and not owner_uid(found):
            return found
        name = job_set_name(owner, handle.attempt)
        job_set = await self._found(JOB_SETS, namespace, name)
        if job_set is None or not is_of(job_set, handle):
            return None
        return member_of(job_set, await self._found(JOBS, namespace, member_name(name)))

    async def _found(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        try:
            return await self._client.get(resource.item(namespace=namespace, name=name))
        except NotFoundError:
            return None

    async def pods(self, handle: Handle) -> list[dict[str, Any]]:
        """The pods of the handle's Job."""
        path = PODS.collection(handle.owner.namespace)
        found = self._client.list(path, selector=selector(handle.owner, handle.attempt))
        return [pod async for pod in found]

    async def serves(self, resource: Resource) -> bool:
        """Whether the API server has a resource that not every cluster has."""
        return await serves(self._client, resource)

    async def make_attempt(self, handle: Handle, manifest: Body) -> dict[str, Any]:
        """Create the Job or JobSet, or find the one that is the handle's. Raises as `make_own` does.

        Raises:
            SpecError: also when there are no JobSets here.
        """
        if not is_job_set(manifest):
            return await self.make_own(handle, JOBS, manifest)
        if not await self.serves(JOB_SETS):
            raise SpecError("spec.cluster.engine", MISSING)
        return await self.make_own(handle, JOB_SETS, manifest)

    async def make_own(
        self, handle: Handle, resource: Resource, manifest: Body, *, is_ours: Marks | None = None
    ) -> dict[str, Any]:
        """Create the object that has the attempt's name, or find the one that is the handle's, as `is_ours` tells.

        Raises:
            NameConflictError: one of that name is somebody else's.
            SpecError: the API server does not accept what the manifest asks for.
            NotAllowedError: the operator may not make it.
        """
        self._before_write()
        try:
            return await make_or_find(self._client, resource, handle, manifest, is_ours=is_ours or is_of)
        except RefusedError as error:
            raise refusal(error) from error

    async def make(self, handle: Handle, plural: str, manifest: Body) -> dict[str, Any]:
        """Create what goes with a Job, or find it."""
        self._before_write()
        path = _PLURALS[plural].collection(handle.owner.namespace)
        try:
            return await self._client.create(path, manifest)
        except ConflictError:
            return await self._belonging(_PLURALS[plural], handle, manifest)
        except RefusedError as error:
            raise refusal(error) from error

    async def _belonging(self, resource: Resource, handle: Handle, manifest: Body) -> dict[str, Any]:
        """What is there must be this Job's: names can be foreseen, and an earlier Job's goes with it."""
        name = manifest["metadata"]["name"]
        found = await self._client.get(resource.item(namespace=handle.owner.namespace, name=name))
        owners = found["metadata"].get("ownerReferences") or ()
        [wanted] = manifest["metadata"]["ownerReferences"]
        if any(owner.get("uid") == wanted["uid"] for owner in owners):
            return found
        what = f"{resource.plural}/{name}"
        if any(owner.get("name") == wanted["name"] for owner in owners):
            raise KubeError(f"{what} of an earlier Job is not gone yet")
        raise NameConflictError(f"{what} is there already and is not this object's. Delete it.")

    async def patch_job(self, handle: Handle, job: Body, changes: Body) -> dict[str, Any]:
        """Merge-patch the Job that has this one's UID; the JobSet of which this is all there is."""
        return await self.patch_own(handle, JOB_SETS if is_job_set(job) else JOBS, job, changes)

    async def patch_own(self, handle: Handle, resource: Resource, body: Body, changes: Body) -> dict[str, Any]:
        """Merge-patch the object of the handle's namespace that has this one's name and UID."""
        self._before_write()
        name, uid = body["metadata"]["name"], body["metadata"]["uid"]
        patch = {**changes, "metadata": {**changes.get("metadata", {}), "uid": uid}}
        with _refused_in_words():
            return await self._client.patch(resource.item(namespace=handle.owner.namespace, name=name), patch)

    async def delete_own(self, handle: Handle, resource: Resource, body: Body) -> None:
        """Delete the object of the handle's namespace that has this one's name and UID."""
        self._before_write()
        name, uid = body["metadata"]["name"], body["metadata"]["uid"]
        with _refused_in_words():
            await self._client.delete(resource.item(namespace=handle.owner.namespace, name=name), uid=uid)

    async def annotate_pod(self, pod: Body, annotations: Mapping[str, str]) -> None:
        """Set annotations of a pod; one that is gone is left."""
        self._before_write()
        metadata = pod["metadata"]
        path = PODS.item(namespace=metadata["namespace"], name=metadata["name"])
        with contextlib.suppress(NotFoundError, ConflictError), _refused_in_words():
            await self._client.patch(path, {"metadata": {"uid": metadata["uid"], "annotations": dict(annotations)}})

    async def end_pod(self, pod: Body) -> None:
        """Let the kubelet end a pod; its state stays to be read, unlike that of one that is deleted."""
        self._before_write()
        metadata = pod["metadata"]
        path = PODS.item(namespace=metadata["namespace"], name=metadata["name"])
        with contextlib.suppress(NotFoundError, ConflictError), _refused_in_words():
            await self._client.patch(path, {"metadata": {"uid": metadata["uid"]}, "spec": dict(TO_END)})

    async def delete_job(self, handle: Handle, job: Body) -> None:
        """Delete the Job, or the JobSet that would make it anew, and by it its pods and what goes with it."""
        self._before_write()
        namespace, name, uid = handle.owner.namespace, job["metadata"]["name"], job["metadata"]["uid"]
        resource = JOBS
        if is_job_set(job) or owner_uid(job):
            resource, name, uid = JOB_SETS, job_set_name(handle.owner, handle.attempt), owner_uid(job) or uid
        with _refused_in_words():
            await self._client.delete(resource.item(namespace=namespace, name=name), uid=uid)


def is_of(body: Body, handle: Handle) -> bool:
    """Whether an object was made for this attempt: it has all of its marks, and nobody else controls it.

    Whoever may make Jobs in the namespace could set the same marks: docs/decisions/marks-within-a-namespace.md.
    """
    owner, annotations = handle.owner, annotations_of(body)
    return is_labelled(body, handle) and owner.owns(annotations) and owner.owns_by_name(annotations)


def is_labelled(body: Body, handle: Handle) -> bool:
    """Whether an object that has labels alone, such as a search's trial, was made for this attempt."""
    labels = labels_of(body)
    is_marked = labels.get(LABEL_UID) == handle.owner.uid and labels.get(LABEL_ATTEMPT) == str(handle.attempt)
    return is_marked and not _is_anothers(body)


def _is_anothers(body: Body) -> bool:
    """Whether something controls an object that is neither of our own kinds nor a JobSet."""
    controllers = [one for one in body["metadata"].get("ownerReferences") or () if one.get("controller")]
    groups = [str(one.get("apiVersion")).partition("/")[0] for one in controllers]
    return any(group not in _CONTROLLERS for group in groups)


async def make_or_find(
    client: KubeClient,
    resource: Resource,
    handle: Handle,
    manifest: Body,
    *,
    is_ours: Marks = is_of,
) -> dict[str, Any]:
    """Create what a manifest says, or find what is the handle's of that name, as `is_ours` tells.

    Raises:
        NameConflictError: one of that name is somebody else's.
        RefusedError: the API server does not accept it.
    """
    namespace, name = handle.owner.namespace, manifest["metadata"]["name"]
    try:
        return await client.create(resource.collection(namespace), manifest)
    except ConflictError:
        found = await client.get(resource.item(namespace=namespace, name=name))
    # What an attempt is found by is made by nobody else: a Job that a JobSet has made has another name.
    if not is_ours(found, handle) or owner_uid(found):
        raise NameConflictError(f"A {manifest['kind']} {name} is there already and is not this object's. Delete it.")
    return found


def refusal(error: RefusedError, *, what: str = "job") -> Exception:
    """What the API server's refusal of an object's own objects means for it."""
    if error.status == _FORBIDDEN:
        message = f"The cluster does not let the operator run this {what}: {error}"
        return NotAllowedError("spec.target", message)
    return SpecError("spec.cluster", f"the cluster does not accept what is made of it: {error}")


@contextlib.contextmanager
def _refused_in_words() -> Iterator[None]:
    """A change that the API server refuses: RBAC, an admission webhook."""
    try:
        yield
    except RefusedError as error:
        raise NotAllowedError(
            "spec.target", f"The cluster does not let the operator change this job: {error}"
        ) from error
