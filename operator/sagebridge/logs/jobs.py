"""The objects whose logs are served, read from the API server: a replica that stands by knows them as well."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID
from sagebridge.core.conditions import READY, find
from sagebridge.core.job import Attempt, Job, Place
from sagebridge.core.logs.cursor import Positions
from sagebridge.core.logs.lines import Excerpt
from sagebridge.engine.inputs import InputResolver
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import NotFoundError
from sagebridge.kube.paths import custom
from sagebridge.logs.access import Wanted
from sagebridge.logs.pods import Containers, PodSource
from sagebridge.logs.source import CloudWatchSource, Source
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller

_CLOCKS_DIFFER: Final = timedelta(minutes=5)

DELETED: Final = "Deleted"
"""The end of a log whose object was deleted."""


class NoLogError(Exception):
    """There is no such log; the message says why."""


class NotBegunError(Exception):
    """There is no log yet; the message says why."""


class Jobs:
    """Finds jobs, and what reads their logs.

    Which streams and pods are a job's is computed, not read from its status: whoever may write a status must not choose
    what is read with the operator's rights.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        kinds: Sequence[JobKind],
        inputs: InputResolver,
        caller: Caller,
        namespaces: Sequence[str] = (),
    ) -> None:
        self._client = client
        self._kinds: Mapping[str, JobKind] = {kind.schema.plural: kind for kind in kinds}
        self._inputs = inputs
        self._caller = caller
        self._namespaces = frozenset(namespaces)

    async def read(self, wanted: Wanted, *, uid: str = "") -> Job | None:
        """The object as it is now; None if it is not there, or is another one than that with this UID.

        Raises:
            sagebridge.kube.errors.KubeError: It can't be read now.
        """
        try:
            path = custom(wanted.plural).item(namespace=wanted.namespace, name=wanted.name)
            job = Job.parse(await self._client.get(path))
        except NotFoundError:
            return None
        return job if uid in ("", job.uid) else None

    async def begun(self, wanted: Wanted) -> Job:
        """The object, which has a log.

        Raises:
            NoLogError: It has none, and will have none.
            NotBegunError: It has none yet.
            sagebridge.kube.errors.KubeError: It can't be read now.
        """
        kind = self._kinds.get(wanted.plural)
        if kind is None:
            raise NoLogError(f"logs are served of {', '.join(sorted(self._kinds))}")
        if self._namespaces and wanted.namespace not in self._namespaces:
            raise NoLogError(f"the operator does not serve the namespace {wanted.namespace}")
        job = await self.read(wanted)
        if job is None:
            raise NoLogError(f"{wanted} is not there")
        if job.place is Place.CLUSTER and kind.children is not None:
            raise NoLogError(f"{wanted} has no log of its own: the jobs that it starts have")
        if not created(job):
            ready = find(job.conditions, READY) or {}
            raise NotBegunError(str(ready.get("message") or "the operator has not looked at it yet"))
        return job

    def source(
        self, wanted: Wanted, job: Job, attempt: Attempt, *, start: Positions | None = None, tail: int | None = None
    ) -> Source:
        """What reads the log of one attempt of a job that has begun.

        Raises:
            sagebridge.core.errors.NotAllowedError: The tenant policy forbids it.
        """
        kind = self._kinds[wanted.plural]
        excerpt = Excerpt(tail=tail, pings=kind.model_of is None)
        if job.place is Place.CLUSTER:
            containers = Containers(
                namespace=job.namespace,
                selector=f"{LABEL_UID}={job.uid},{LABEL_ATTEMPT}={attempt.number}",
                container=kind.container,
            )
            return PodSource(client=self._client, containers=containers, start=start, excerpt=excerpt)
        handle = self._inputs.handle(job, kind, attempt)
        return CloudWatchSource(
            caller=self._caller,
            handle=handle,
            group=kind.log_group,
            prefix=f"{handle.name}{kind.log_separator}",
            names=_streams_of(kind, handle.name),
            start=start,
            excerpt=replace(excerpt, since=0 if attempt.adopted else _begin(handle)),
        )


def created(job: Job) -> list[Attempt]:
    """The attempts that have a log: those whose job is known to be the object's.

    One that is only recorded may have the name of somebody else's job.
    """
    return [attempt for attempt in job.attempts if attempt.arn]


def _begin(handle: Handle) -> int:
    """From when on lines are an attempt's, in milliseconds since 1970: of its name there may have been another job.

    Streams outlive their jobs, and deleted objects. The clocks of AWS and of the API server may differ a little.
    """
    return max(0, round((handle.since - _CLOCKS_DIFFER).timestamp() * 1000))


def _streams_of(kind: JobKind, name: str) -> re.Pattern[str]:
    """What the log streams of a job are called: whole, since others' jobs may have names that begin with this one.

    Those of a tuning job are its training jobs', which are called ``<name>-<number>-<hash>``.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/multiple-algorithm-hpo-manage-tuning-jobs.html
    """
    trial = r"-(?:[0-9]{3}|[1-9][0-9]{3,})-[0-9a-f]{8}" if kind.children is not None else ""
    return re.compile(rf"{re.escape(name)}{trial}/.*")


def ended_ago(job: Job | None, number: int, *, now: Callable[[], float] = time.time) -> float | None:
    """Seconds since an attempt has ended; None while it has not, as far as the operator knows."""
    if job is None:
        return 0.0
    attempt = next((one for one in job.attempts if one.number == number), None)
    if attempt is not None and attempt.is_closed and attempt.end_time:
        return max(0.0, now() - parse_time(attempt.end_time).timestamp())
    is_over = attempt is None or attempt.is_closed or job.is_finished or job.attempts[-1].number > number
    return 0.0 if is_over else None


def ending(job: Job | None) -> str:
    """How a job that is over has ended: its Ready condition's reason."""
    if job is None:
        return DELETED
    return str((find(job.conditions, READY) or {}).get("reason") or "")
