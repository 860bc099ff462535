"""Which running trials are stopped before their time, and what is written on them then."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge.core.cluster.tuning.trials import ANNOTATION_RUNGS, ANNOTATION_STOPPED_EARLY, STOP
from sagebridge.core.search.early_stopping import Judgement, judge
from sagebridge.core.search.trial import IN_PROGRESS

if TYPE_CHECKING:
    from sagebridge.core.cluster.tuning.record import Record
    from sagebridge.core.cluster.tuning.trials import ClusterTrial


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What was decided about a trial. It is one change of it, so that it holds as soon as anybody can know of it.

    Attributes:
        trial: the trial.
        judgement: what is new about it.
    """

    trial: ClusterTrial
    judgement: Judgement

    @property
    def run_policy(self) -> dict[str, Any]:
        """The change of its runPolicy."""
        return dict(STOP) if self.judgement.stopped_by else {}

    def annotations(self, *, at: str) -> dict[str, str]:
        """What is written on it, at a time (RFC 3339)."""
        written = {ANNOTATION_RUNGS: str(self.judgement.rungs)} if self.judgement.rungs != self.trial.rungs else {}
        if self.judgement.stopped_by:
            series = self.trial.series
            said = {"at": at, "by": self.judgement.stopped_by, "step": len(series), "value": series[-1]}
            written[ANNOTATION_STOPPED_EARLY] = json.dumps(said, sort_keys=True)
        return written


def decide(record: Record, trials: Sequence[ClusterTrial]) -> list[Decision]:
    """What the objective's values so far decide; with hundreds of trials it takes a moment.

    A trial whose training has ended is let have its results.
    """
    found = []
    for trial in trials:
        if trial.status != IN_PROGRESS or trial.is_told_to_stop or not trial.series or trial.is_trained:
            continue
        judgement = judge(trial, trials, record.config)
        if judgement.stopped_by or judgement.rungs != trial.rungs:
            found.append(Decision(trial=trial, judgement=judgement))
    return found
