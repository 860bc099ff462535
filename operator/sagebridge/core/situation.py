"""All that the plan of a job depends on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sagebridge.core.deletion import Deletion
from sagebridge.core.job import Job
from sagebridge.core.observation import Observation
from sagebridge.core.pipelines.attendance import Gone
from sagebridge.core.resolution import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """All that a plan depends on.

    Attributes:
        job: the object.
        observation: the last look at its last attempt; None if there was none since the operator started.
        now: the time of this pass.
        deletion: how far its deletion is; None while it is to live.
        is_purged: whether all its jobs were deleted in AWS.
        is_settled: whether nothing that has ended for the object can be run again by others.
        tags_refused: whether AWS has refused the changed tags in this pass.
        look_when: counters in status which, when a List shows them changed, are worth a look at the whole.
        models_kept: whether AWS has refused to delete its models in this pass.
        gone: the pod of a pipeline's step that should attend the object, and was found gone for good.
    """

    job: Job
    observation: Observation | None
    now: datetime
    deletion: Deletion | None = None
    is_purged: bool = False
    is_settled: bool = False
    tags_refused: bool = False
    look_when: tuple[Path, ...] = ()
    models_kept: bool = False
    gone: Gone | None = None

    @property
    def wants_tags(self) -> bool:
        """Whether the job's tags are to be changed now."""
        return self.job.has_unapplied_tags and not self.job.is_paused and not self.tags_refused

    @property
    def drops_models(self) -> bool:
        """Whether the models that were made for an object that has finished are to be deleted now."""
        return bool(self.job.models) and not self.job.is_paused and not self.models_kept
