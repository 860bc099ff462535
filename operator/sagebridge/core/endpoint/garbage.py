"""Which models and configs nothing uses any more."""

from __future__ import annotations

from typing import Final

from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.revision import Revision
from sagebridge.core.endpoint.running import NOT_OURS
from sagebridge.core.endpoint.steps import Collect

_MOST_UNSERVED: Final = 1
"""Versions that never served and stay all the same, for what is told of them to be looked at."""


def next_collection(ledger: Ledger, *, desired: Desired | None, running: str, limit: int) -> Collect | None:
    """A revision that can go, the oldest first, or None.

    Args:
        ledger: every revision that may be there in SageMaker.
        desired: what is wanted; it stays. None while everything goes.
        running: the config that the endpoint runs; it stays. Empty if there is no endpoint.
        limit: how many others stay, the newest that have served. Beside them stays the last that has not, unless
            this is 0; of those that an edit overtook before they were deployed, none.

    Returns:
        The revision's config, and those of its models that no revision that stays needs.
    """
    wanted = desired.config.name if desired else ""
    ours = [revision for revision in ledger.revisions if revision.number != NOT_OURS]
    others = [revision for revision in ours if revision.config_name not in (running, wanted)]
    deployed = [revision for revision in others if revision.deployed_at or revision.has_served]
    overtaken = [revision for revision in others if revision not in deployed]
    served = [revision for revision in deployed if revision.has_served]
    unserved = [revision for revision in deployed if not revision.has_served]
    superfluous = [*overtaken, *_all_but_last(min(_MOST_UNSERVED, limit), unserved), *_all_but_last(limit, served)]
    if not superfluous:
        return None
    gone = superfluous[0]
    staying = [revision for revision in ledger.revisions if revision is not gone]
    return Collect(
        config_name=gone.config_name,
        model_names=_only_in(gone, staying, desired),
        ledger=ledger.without_revision(gone.config_name),
    )


def _all_but_last(count: int, revisions: list[Revision]) -> list[Revision]:
    return revisions[: max(0, len(revisions) - count)]


def _only_in(gone: Revision, staying: list[Revision], desired: Desired | None) -> tuple[str, ...]:
    used = {name for revision in staying for name in revision.model_names}
    used |= {model.name for model in desired.models} if desired else set()
    return tuple(name for name in gone.model_names if name not in used)
