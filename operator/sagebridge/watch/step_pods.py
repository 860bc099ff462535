"""The pods of pipelines' runs, followed while there is something that a step of one has to attend."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from sagebridge.core.pipelines.marks import Marks
from sagebridge.core.pipelines.pods import LABEL_OF_RUN, StepPod
from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import PODS
from sagebridge.kube.reflector import Body, Reflector, Selection


class StepPods:
    """What is known of them: of each a few words, not the pod.

    Args:
        client: the API server.
        namespaces: those that are served; all, if there are none.
        reflector: makes what follows one collection.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        namespaces: Collection[str] = (),
        reflector: Callable[..., Reflector] = Reflector,
    ) -> None:
        self._client = client
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._make_reflector = reflector
        self._following: dict[str | None, tuple[Reflector, asyncio.Task[None]]] = {}
        self._pods: dict[str, StepPod] = {}
        self._of_step: dict[tuple[str, str, str], set[str]] = {}

    @property
    def is_followed(self) -> bool:
        """Whether somebody looks."""
        return bool(self._following)

    def is_known(self, namespace: str, *, stale_after: float) -> bool:
        """Whether what is there is known now: all has been listed, and the watch has not failed for so long.

        A namespace whose pods may not be seen, since it is gone for instance, says nothing of the others.
        """
        found = self._following.get(namespace) or self._following.get(None)
        return found is not None and found[0].is_synced and found[0].seconds_blind < stale_after

    def follow(self, group: asyncio.TaskGroup) -> None:
        """Begin to look, with tasks of that group; nothing if somebody does already."""
        if self.is_followed:
            return
        for namespace in self._namespaces:
            reflector = self._make_reflector(
                client=self._client,
                path=PODS.collection(namespace),
                selection=Selection(labels=LABEL_OF_RUN, is_needed=False),
                put=self.put,
                remove=self.remove,
                keep=essence,
            )
            self._following[namespace] = reflector, group.create_task(reflector.run())

    async def let_go(self) -> None:
        """Look no more, and forget."""
        following, self._following = self._following, {}
        for reflector, task in following.values():
            task.cancel()
            await asyncio.wait({task})
            reflector.forget()

    def put(self, body: Body) -> None:
        """One is there, or has changed."""
        self.remove(body)
        pod: StepPod = body["pod"]
        self._pods[pod.uid] = pod
        self._of_step.setdefault(_step_of(pod), set()).add(pod.uid)

    def remove(self, body: Body) -> None:
        """One is gone."""
        pod = self._pods.pop(body["metadata"]["uid"], None)
        if pod is None:
            return
        key = _step_of(pod)
        self._of_step[key].discard(pod.uid)
        if not self._of_step[key]:
            del self._of_step[key]

    def of_step(self, namespace: str, marks: Marks) -> list[StepPod]:
        """The pods of the step, as they were seen last, and the one that attends the object, whosever it is."""
        uids = self._of_step.get((namespace, marks.run, marks.task), set()) | {marks.pod_uid}
        return [self._pods[uid] for uid in sorted(uids) if uid in self._pods]

    async def ask_for_run(self, namespace: str, run: str) -> list[StepPod]:
        """The pods of a run, from the API server now.

        Raises:
            KubeError: it can't be told.
        """
        found = self._client.list(PODS.collection(namespace), selector=f"{LABEL_OF_RUN}={run}")
        return [StepPod.parse(body) async for body in found]

    async def ask_for_pod(self, namespace: str, name: str) -> list[StepPod]:
        """The pod of a name, also where nothing tells that it is a pipeline's; nothing if it is not there.

        Raises:
            KubeError: it can't be told.
        """
        found = self._client.list(PODS.collection(namespace), fields=f"metadata.name={name}")
        return [StepPod.parse(body) async for body in found]


def essence(body: Body) -> Body:
    """What is kept in memory of a pod."""
    metadata: dict[str, Any] = {key: body["metadata"][key] for key in ("uid", "resourceVersion")}
    return {"metadata": metadata, "pod": StepPod.parse(body)}


def _step_of(pod: StepPod) -> tuple[str, str, str]:
    return pod.namespace, pod.run, pod.task
