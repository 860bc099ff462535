"""Looks at what running trials log, now and then, and stops those that are not worth going on with.

What was seen of a trial, and what was decided, is written on the trial: an operator that comes after this one goes by
the same values, and no decision is made twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sagebridge.core.clock import format_time
from sagebridge.core.cluster.pods import newest_by_host, of_job
from sagebridge.core.cluster.tuning.early import Decision, decide
from sagebridge.core.cluster.tuning.series import Series, series_of
from sagebridge.core.cluster.tuning.trials import ClusterTrial
from sagebridge.core.job import Job
from sagebridge.core.names import Owner
from sagebridge.core.search.early_stopping import looks_at_running
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.kube.lease import LeadershipLostError
from sagebridge.targets.cluster import trial_logs
from sagebridge.targets.cluster.trial_logs import Reading
from sagebridge.targets.cluster.tuner import Now, Tuner
from sagebridge.targets.cluster.tuning_objects import TuningObjects
from sagebridge.targets.cluster.tuning_view import Key
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle

logger = logging.getLogger(__name__)

POLLS = 3
"""Logs are looked at once in so many polls."""


class EarlyStopper:
    """Goes round the searches that ask for it, one after the other, and rests between two rounds."""

    def __init__(
        self, *, client: KubeClient, objects: TuningObjects, view: ClusterView, tuner: Tuner, now: Now, pause: float
    ) -> None:
        self._client = client
        self._objects = objects
        self._view = view
        self._tuner = tuner
        self._now = now
        self._pause = pause
        self._due: dict[Key, Handle] = {}
        self._known: dict[Key, dict[str, Series]] = {}
        """What was read since it was last written down, by the trials' UIDs: how far logs without a value were read."""

    def attend(self, handle: Handle, job: Job) -> None:
        """Take a search into the next round."""
        if not job.is_paused:
            self._due[handle.owner.uid, handle.attempt] = handle

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await asyncio.sleep(self._pause)
            due, self._due = self._due, {}
            self._known = {key: known for key, known in self._known.items() if key in due}
            for handle in due.values():
                await self._attend(handle)

    async def _attend(self, handle: Handle) -> None:
        name = f"{handle.owner.namespace}/{handle.owner.name}"
        try:
            await self.look(handle)
        except KubeError as error:
            logger.warning("HPTuningJob %s: its trials can't be looked at: %s; trying again", name, error)
        except LeadershipLostError:
            logger.info("HPTuningJob %s: left to the replica that leads now", name)
        except Exception:
            # The others are looked at all the same.
            logger.exception("HPTuningJob %s: its trials can't be looked at", name)

    async def look(self, handle: Handle) -> None:
        """Look at a search's trials once.

        Raises:
            KubeError: the API server does not answer, or refuses a change.
        """
        seen = await self._tuner.seen(handle)
        if seen is None or seen[0].ending is not None or not looks_at_running(seen[0].config):
            return
        record, trials = seen
        known = self._known.setdefault((handle.owner.uid, handle.attempt), {})
        changed: dict[int, ClusterTrial] = {}
        for definition in record.definitions:
            of_it = [trial for trial in trials if trial.definition is definition]
            readings = [one for trial in of_it if (one := self._reading(trial, handle, known)) is not None]
            for one, series in zip(readings, await trial_logs.read(self._client, readings), strict=True):
                known[one.trial.job.uid] = series
                changed[one.trial.number] = await self._write(one.trial, series)
        now = [changed.get(trial.number, trial) for trial in trials]
        for decision in await asyncio.to_thread(decide, record, now):
            await self._carry_out(decision)

    def _reading(self, trial: ClusterTrial, handle: Handle, known: Mapping[str, Series]) -> Reading | None:
        job, attempt = trial.job, trial.job.last_attempt
        if attempt is None:
            return None
        owner = Owner(cluster=handle.owner.cluster, namespace=job.namespace, name=job.name, uid=job.uid)
        seen = self._view.of_attempt(owner, attempt.number)
        if seen.job is None:
            return None
        pods = newest_by_host(of_job(seen.job, seen.pods.values()))
        series = _newest(known.get(job.uid), series_of(job.body))
        if series.pods and len(pods) < int(seen.job["spec"].get("completions", 1)):
            # Nodes that are taken away take pods along that have ended, and an operator that has just begun does not
            # see all of them yet: some pods tell less than is known.
            return None
        return trial_logs.reading(trial, pods, series)

    async def _write(self, trial: ClusterTrial, series: Series) -> ClusterTrial:
        """Keep what is new on the trial; the trial as it is then."""
        before = series_of(trial.job.body)
        is_known = (before.pods, before.values, before.is_whole) == (series.pods, series.values, series.is_whole)
        is_nothing = not (series.values or before.values or series.is_whole)
        return trial if is_known or is_nothing else await self._change(trial, {}, series.annotation())

    async def _carry_out(self, decision: Decision) -> None:
        trial, rule = decision.trial, decision.judgement.stopped_by
        if rule:
            name, step = f"{trial.job.namespace}/{trial.job.name}", len(trial.series)
            logger.info("TrainingJob %s is stopped by %s, after value %d", name, rule, step)
        await self._change(trial, decision.run_policy, decision.annotations(at=format_time(self._now())))

    async def _change(
        self, trial: ClusterTrial, run_policy: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> ClusterTrial:
        body = await self._objects.change_trial(trial.job.body, run_policy, annotations=annotations)
        return trial if body is None else replace(trial, job=Job.parse(body))


def _newest(remembered: Series | None, written: Series) -> Series:
    """What this process remembers, if it is as far as what was written: that may be another's, or spoilt."""
    if remembered is None or len(remembered.values) < len(written.values):
        return written
    return remembered if written.pods in ("", remembered.pods) else written
