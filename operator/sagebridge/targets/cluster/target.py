"""One kind's jobs on the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.engines import is_job_set
from sagebridge.core.cluster.job import job_arn
from sagebridge.core.cluster.jobs import TO_END, is_finished
from sagebridge.core.cluster.memory import recall
from sagebridge.core.cluster.names import (
    ANNOTATION_ENDED,
    ANNOTATION_STOP,
    all_tags,
    annotations_of,
    changed_tags,
    tags_of,
)
from sagebridge.core.cluster.pods import Pod, newest_by_host, of_job
from sagebridge.core.cluster.waiting import without_pods
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.observation import Observation, Phase
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.client import KubeClient
from sagebridge.schema.convert import ConversionError, to_request
from sagebridge.targets.cluster.metrics import PodMetrics
from sagebridge.targets.cluster.objects import ClusterObjects, is_of
from sagebridge.targets.cluster.view import ClusterView, Seen
from sagebridge.targets.cluster.words import OthersWords
from sagebridge.targets.cluster.workloads import Workload
from sagebridge.targets.protocol import Handle, Models, NotOwnedError, Submission

_PODS_WITHIN = timedelta(seconds=5)

Stage = Callable[..., Awaitable[str]]
"""`Target.stage_source` of the target that writes to S3."""


class ClusterTarget:
    """Implements `sagebridge.targets.protocol.Target` by an Indexed Job for each attempt.

    Every method may also raise `sagebridge.kube.errors.KubeError`.
    """

    models: Models | None = None

    def __init__(
        self,
        *,
        kind: JobKind,
        workload: Workload,
        client: KubeClient,
        objects: ClusterObjects,
        view: ClusterView,
        words: OthersWords,
        stage: Stage,
    ) -> None:
        self._kind = kind
        self._workload = workload
        self._metrics = PodMetrics(client=client)
        self._objects = objects
        self._view = view
        self._words = words
        self._stage = stage

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        """See `Target.submit`. The Job comes first; what goes with it is made, or found, each time."""
        del adopt  # on the cluster there is nothing of the name but what the operator has made
        work, made = await self._workload.make(handle, self._request(spec), spec["cluster"])
        # An earlier try may have made it, with the tags of that time.
        return Submission(arn=work.arn, tags=tags_of(annotations_of(made)))

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """See `Target.observe`: from what was seen, without asking."""
        return {
            handle.owner.uid: self._observe(one)
            for handle in handles
            if (one := self._view.of(handle)).job is not None and is_of(one.job, handle)
        }

    def _observe(self, one: Seen) -> Observation:
        assert one.job is not None  # the caller has looked
        # The metrics of what has ended take a look at the logs.
        found = replace(self._workload.observe(one.job, list(one.pods.values())), whole=False)
        found = replace(found, waiting=self._words.join(found.waiting, one))
        if found.phase is not Phase.OPEN or found.waiting is not None or not _lacks_pods(one):
            return found
        refusal = self._words.refusal(one.job) or _without_job(one.job)
        return replace(found, waiting=without_pods(refusal)) if refusal else found

    async def describe(self, handle: Handle) -> Observation:
        """See `Target.describe`."""
        job = await self._objects.job(handle)
        if job is None:
            return self._workload.observe(None, ())
        pods = [pod.body for pod in of_job(job, await self._pods(handle, job))]
        has_metrics = self._workload.has_metrics and is_finished(job)
        return self._workload.observe(job, pods, metrics=await self._metrics.final(job, pods) if has_metrics else ())

    async def stop(self, handle: Handle) -> Observation:
        """See `Target.stop`. What is at work is told to end; what has not begun is taken away."""
        job = await self._objects.job(handle)
        if job is None or is_finished(job):
            return await self.describe(handle)
        pods = of_job(job, await self._objects.pods(handle))
        mark = {ANNOTATION_STOP: "Stopped"}
        if not self._workload.is_told or not _are_at_work(pods, size=job["spec"].get("completions", 1)):
            return await self._take_away(handle, job, mark)
        # The Job last: what says of itself that it is stopping has told all of its hosts.
        await asyncio.gather(*(self._objects.annotate_pod(pod.body, mark) for pod in pods))
        await self._objects.patch_job(handle, job, {"metadata": {"annotations": mark}})
        return Observation(phase=Phase.STOPPING, fields=self._kind.stopping_fields)

    async def delete(self, handle: Handle) -> None:
        """See `Target.delete`."""
        job = await self._objects.job(handle)
        if job is not None:
            await self._objects.delete_job(handle, job)

    async def settle(self, handle: Handle) -> None:
        """See `Target.settle`. A queue, or JobSet, would run it again; what has ended stays, with its logs."""
        job = await self._objects.job(handle)
        if job is not None and not is_finished(job):
            await self._objects.delete_job(handle, job)

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        """See `Target.tags_of`."""
        return all_tags(annotations_of(await self._found(handle)))

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """See `Target.tag`."""
        job = await self._found(handle)
        changes = changed_tags(annotations_of(job), tags=tags, remove=remove)
        await self._objects.patch_job(handle, job, {"metadata": {"annotations": changes}})

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """See `Target.stage_source`."""
        return await self._stage(handle, uri=uri, content=content)

    async def attend(self, handle: Handle, job: Job, *, is_partly_seen: bool = False) -> None:
        """End what has no chance, and tell each agent whose user's container has ended: it may not have seen that.

        Where the agent itself has ended before, nobody keeps checkpoints or time any more: the pod is ended. And what
        a queue starts again of a job that was told to stop is told, too.
        """
        del job
        seen = self._view.of(handle)
        if seen.job is None or not is_of(seen.job, handle):
            return
        pods = of_job(seen.job, seen.pods.values())
        if not is_partly_seen and self._workload.is_to_be_given_up(seen.job, pods):
            await self._objects.patch_job(handle, seen.job, {"spec": dict(TO_END)})
        if self._workload.is_told:
            await asyncio.gather(*self._tell(seen.job, pods))

    def _tell(self, job: Mapping[str, Any], pods: Iterable[Pod]) -> Iterator[Awaitable[None]]:
        stop = annotations_of(job).get(ANNOTATION_STOP)
        for pod in pods:
            if marks := _unheard(pod, stop):
                yield self._objects.annotate_pod(pod.body, marks)
            if pod.agent.exit_code is not None and pod.work.running and not pod.is_being_deleted:
                yield self._objects.end_pod(pod.body)

    async def tidy(self, handle: Handle) -> None:
        """Take away what a queue, or JobSet, would run again of a closed attempt that was interrupted or stopped.

        What was seen may be old: of a Job that has ended meanwhile, the pods and their logs are worth keeping.
        """
        seen = self._view.of(handle)
        if seen.job is not None and is_of(seen.job, handle) and not is_finished(seen.job):
            await self.settle(handle)

    def _request(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return to_request(self._kind.create, {key: value for key, value in spec.items() if key != "cluster"})
        except ConversionError as error:
            raise SpecError(error.path, error.message) from error

    async def _pods(self, handle: Handle, job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Those that are there, and those that were: a pod that was deleted has said how it ended before it went."""
        pods = dict(self._view.of(handle).pods)
        if _have_all_ended(job, list(pods.values())):
            return list(pods.values())
        for pod in await self._objects.pods(handle):
            name = pod["metadata"]["name"]
            pods[name] = recall(pod, pods.get(name))
        return list(pods.values())

    async def _take_away(self, handle: Handle, job: Mapping[str, Any], mark: Mapping[str, str]) -> Observation:
        """End a job that has nothing to be saved, or nothing yet: it has not begun its work everywhere."""
        if job["spec"].get("suspend") or is_job_set(job):
            await self._objects.delete_job(handle, job)
            return Observation(phase=Phase.STOPPED, fields=self._workload.stopped_fields(mark), whole=True)
        changes = {"metadata": {"annotations": dict(mark)}, "spec": dict(TO_END)}
        await self._objects.patch_job(handle, job, changes)
        return Observation(phase=Phase.STOPPING, fields=self._kind.stopping_fields)

    async def _found(self, handle: Handle) -> Mapping[str, Any]:
        job = await self._objects.job(handle)
        if job is None:
            raise NotOwnedError(f"{job_arn(handle.owner, handle.attempt, region=handle.region)} is not there.")
        return job


def _have_all_ended(job: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> bool:
    """Whether of a Job that is finished all pods that it has counted have been seen as they ended.

    Listing them would tell nothing new, and let the API server look at all pods of the namespace.
    """
    status = job.get("status") or {}
    counted = int(status.get("succeeded") or 0) + int(status.get("failed") or 0)
    # Those of before a queue took the Job's nodes away have ended too, and are counted nowhere.
    ended = [pod for pod in of_job(job, bodies) if pod.is_finished and not pod.is_being_deleted]
    return is_finished(job) and 0 < counted <= len(ended)


def _lacks_pods(one: Seen) -> bool:
    """Whether the Job controller has had its time, and made fewer pods than the Job is to have."""
    assert one.job is not None  # the caller has looked
    started = (one.job.get("status") or {}).get("startTime")
    if is_job_set(one.job):
        started = one.job["metadata"].get("creationTimestamp")
    if started is None or len(of_job(one.job, one.pods.values())) >= int(one.job["spec"].get("completions", 1)):
        return False
    return datetime.now(UTC) - parse_time(started) > _PODS_WITHIN


def _without_job(job: Mapping[str, Any]) -> str:
    return "JobSet's controller has not made the JobSet's Job" if is_job_set(job) else ""


def _are_at_work(pods: Sequence[Pod], *, size: int) -> bool:
    """Whether there is something to stop on every host, and an agent to hear of it."""
    hosts = newest_by_host(list(pods))
    return len(hosts) == size and all(pod.is_finished or _is_at_work(pod) for pod in hosts)


def _unheard(pod: Pod, stop: str | None) -> dict[str, str]:
    """What a running agent is to know, and was not told yet: that the work beside it ended, or that it is to end it."""
    marks: dict[str, str] = {}
    if pod.agent.running and pod.work.exit_code is not None:
        marks[ANNOTATION_ENDED] = str(pod.work.exit_code)
    if _is_at_work(pod) and stop:
        marks[ANNOTATION_STOP] = stop
    return {name: value for name, value in marks.items() if name not in annotations_of(pod.body)}


def _is_at_work(pod: Pod) -> bool:
    return bool(pod.agent.running) and pod.work.started_at is not None
