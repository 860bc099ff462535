"""All that the plan of an endpoint depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sagebridge.core.deletion import Deletion
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.observed import Observed
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.steps import Conclude as Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """All that a plan depends on.

    Attributes:
        ledger: what status records.
        desired: what the spec asks for; None until it was resolved in this pass.
        observed: the last look; None if there was none since the operator started, or something was done since.
        is_fresh: whether `observed` is of this pass, and nothing was waited for since.
        is_ours: whether the endpoint's tags say it is this object's; None until they were read.
        is_adopted: whether the endpoint was there before the object; it is never deleted.
        made: names of models and configs that are known to be there.
        now: the time of this pass.
        history_limit: how many revisions are kept beyond the one that runs.
        has_unapplied_tags: whether the endpoint's tags are to be changed now.
        held_back: what the refusal to begin the update that is wanted means, while that is not asked for again.
        keeps_remains: whether AWS has refused, in this pass, to delete what nothing uses any more.
        is_finalized: whether our finalizer holds the object.
        is_paused: whether nothing may be changed in AWS.
        deletion: how far the object's deletion is; None while it is to live.
        deletion_policy: what its end means for what it made.
    """

    ledger: Ledger
    now: datetime
    desired: Desired | None = None
    observed: Observed | None = None
    is_fresh: bool = False
    is_ours: bool | None = None
    is_adopted: bool = False
    made: frozenset[str] = field(default_factory=frozenset)
    history_limit: int = 3
    has_unapplied_tags: bool = False
    held_back: Outcome | None = None
    keeps_remains: bool = False
    is_finalized: bool = True
    is_paused: bool = False
    deletion: Deletion | None = None
    deletion_policy: DeletionPolicy = DeletionPolicy.STOP
