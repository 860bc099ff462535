"""What AWS refuses beside the main thing. A job or an endpoint is what it is all the same, so the pass goes on."""

from __future__ import annotations

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude
from sagebridge.engine.store import Memory


def begin(memory: Memory) -> None:
    """Begin a pass: what was refused is tried again, and tags that are not wanted any more are not missed."""
    memory.tags_again_after = memory.models_again_after = None
    if not memory.job.has_unapplied_tags:
        memory.tags_refused = ""


def end(memory: Memory) -> None:
    """End a pass that came to a conclusion: if nothing was refused in it, no earlier failure counts any more."""
    if memory.tags_again_after is None and memory.models_again_after is None:
        memory.failures.forget()


def without_tags(memory: Memory, error: Exception, outcome: Conclude, *, recheck: float) -> Verdict | None:
    """Go on without the changed tags: the condition TagsApplied says so.

    Args:
        memory: the object.
        error: the refusal.
        outcome: what it would mean for the main thing.
        recheck: seconds until somebody may have acted.

    Returns:
        What to tell as an Event; None while it passes by itself.
    """
    memory.tags_again_after = outcome.again_after or recheck
    # The tags of something that somebody has deleted are refused for good.
    is_gone = isinstance(error, AwsError) and error.error_class is ErrorClass.NOT_FOUND
    if is_gone:
        memory.tags_again_after = recheck
    if not is_gone and outcome.verdict.state is not State.STALLED:
        return None
    added, removed = memory.job.unapplied_tags
    named = ", ".join([*added, *removed])
    memory.tags_refused = f"Not applied are the changes of the tags {named}. {outcome.verdict.message}"
    return Verdict(state=State.STALLED, reason=Reason.TAGS_REJECTED, message=memory.tags_refused)


def with_remains(memory: Memory, outcome: Conclude, *, what: str, recheck: float) -> Verdict | None:
    """Go on with what nothing uses any more, and AWS refuses to delete.

    Args:
        memory: the object.
        outcome: what the refusal would mean for the main thing.
        what: what can't be deleted, in words.
        recheck: seconds until somebody may have acted.

    Returns:
        What to tell as an Event; None while it passes by itself.
    """
    memory.models_again_after = outcome.again_after or recheck
    if outcome.verdict.state is not State.STALLED:
        return None
    message = f"{what} can't be deleted: {outcome.verdict.message}"
    return Verdict(state=State.STALLED, reason=Reason.CLEANUP_BLOCKED, message=message)
