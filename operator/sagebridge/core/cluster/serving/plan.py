"""What to do next for an Endpoint on the cluster: a pure function of its object, what status records, and what is seen.

An update is guarded: what served goes on serving until what follows is ready, and where that never happens, the
template of what served is put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.cluster.refusals import SWITCH
from sagebridge.core.cluster.serving.pods import has_crashed, trouble
from sagebridge.core.cluster.serving.steps import (
    Apply,
    Begin,
    Collect,
    Conclude,
    Delete,
    Deploy,
    Leave,
    Protect,
    Release,
    Remember,
    Resolve,
    Restore,
    Scale,
    Step,
    Wait,
)
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.container.failure import FAILURE_REASON_LIMIT
from sagebridge.core.job import DeletionPolicy
from sagebridge.core.reasons import Reason
from sagebridge.core.words import sentence, shortened

if TYPE_CHECKING:
    from datetime import timedelta

    from sagebridge.core.cluster.serving.deployment import Deployment
    from sagebridge.core.cluster.serving.record import Record
    from sagebridge.core.cluster.serving.situation import Situation, Wanted
    from sagebridge.core.deletion import Deletion

_LOOK_AGAIN_SECONDS: Final = 30.0
"""What no event tells: that time is up."""
_ORPHAN: Final = "its Deployment, or pods of it, have not ended"
_NOT_RETAINED: Final = "what was to be retained could not be parted from it in time, and is deleted with it"
_NEXT: Final = "Correct the spec, or set the annotation sagebridge.io/reconcile-at to try the same again."


def next_step(situation: Situation) -> Step:
    """The one step to take now.

    Returns:
        A step that brings the endpoint nearer to its spec, or says where it stands; taking it again does no harm.
    """
    if situation.deletion is not None:
        return _plan_deletion(situation, situation.deletion) if situation.is_finalized else Wait()
    if not situation.is_finalized:
        return Protect()
    if situation.wanted is None:
        return Resolve()
    return _unless_paused(situation, _plan(situation, situation.wanted))


def observed(situation: Situation) -> dict[str, Any]:
    """What status shows of pods that are there while the spec can't be followed; empty without any."""
    deployment = situation.deployment
    if deployment is None or situation.deletion is not None:
        return {}
    return {
        "endpointStatus": _status(situation),
        "failureReason": situation.record.failure or None,
        "replicas": deployment.available,
    }


def next_step_without_spec(situation: Situation) -> Remember | Restore | None:
    """What is to be done for an update under way where a newer spec can't be followed: it stays guarded."""
    record, deployment = situation.record, situation.deployment
    if situation.deletion is not None or situation.is_paused:
        return None
    if deployment is None or deployment.is_being_deleted or deployment.revision != record.target:
        return None
    if record.goes_back:
        return Restore(revision=record.good)
    if record.good == record.target:
        return None
    if deployment.is_rolled_out:
        return Remember(record=record.reached())
    why = "" if record.has_failed else _why_failed(situation, None, deployment)
    return Remember(record=record.rejected(failure=why, now=format_time(situation.now))) if why else None


def _plan(situation: Situation, wanted: Wanted) -> Step:
    record, deployment = situation.record, situation.deployment
    if record.key != wanted.key:
        now = format_time(situation.now)
        return Remember(record=record.begun(target=wanted.revision, key=wanted.key, now=now))
    if deployment is not None and deployment.is_being_deleted:
        return _conclude(situation, wanted, _progressing(record, "Somebody deletes the Deployment; it is made anew."))
    if not situation.has_document and not record.goes_back:
        return Begin(revision=wanted.revision)
    revision = record.good if record.goes_back else wanted.revision
    if deployment is None or deployment.revision != revision or not situation.is_applied:
        return _deploy(situation, wanted, revision)
    return _complete(situation, wanted, deployment) or _follow(situation, wanted, deployment)


def _complete(situation: Situation, wanted: Wanted, deployment: Deployment) -> Step | None:
    """What is beside the Deployment's template."""
    if wanted.replicas is not None and deployment.wanted != wanted.replicas and not situation.scaled_by:
        return Scale(replicas=wanted.replicas)
    if wanted.replicas is None and deployment.wanted < min(1, wanted.least):
        # Kubernetes' own autoscaler leaves a Deployment alone that somebody has given no pods.
        return Scale(replicas=wanted.least)
    return None if situation.goes_with else Apply()


def _deploy(situation: Situation, wanted: Wanted, revision: str) -> Step:
    if revision == wanted.revision:
        return Deploy(revision=revision)
    if situation.deployment is None:
        # With the Deployment its ReplicaSets are gone: what served is not known any more, and what is wanted is tried.
        now = format_time(situation.now)
        return Remember(record=situation.record.begun(target=wanted.revision, key=wanted.key, now=now))
    return Deploy(revision=revision, earlier=True)


def _follow(situation: Situation, wanted: Wanted, deployment: Deployment) -> Step:
    """Nothing is left to be written: how far is it?"""
    record = situation.record
    if deployment.is_rolled_out and not record.goes_back:
        if record.good != record.target or record.failed:
            return Remember(record=record.reached())
        if situation.revisions - {wanted.revision}:
            return Collect(keep=(wanted.revision,))
        # That somebody else's autoscaler is gone is told by no event.
        again_after = _LOOK_AGAIN_SECONDS if situation.scaled_by else None
        verdict = _in_service(wanted, deployment, scaled_by=situation.scaled_by)
        return _conclude(situation, wanted, verdict, again_after=again_after)
    if record.has_failed:
        return _conclude(situation, wanted, _failed(situation, deployment))
    if record.good != record.target and (why := _why_failed(situation, wanted.longest, deployment)):
        return Remember(record=record.rejected(failure=why, now=format_time(situation.now)))
    return _conclude(situation, wanted, _under_way(situation, deployment), again_after=_LOOK_AGAIN_SECONDS)


def _why_failed(situation: Situation, longest: timedelta | None, deployment: Deployment) -> str:
    """Why the rollout can't succeed any more; empty while it can."""
    if not deployment.is_seen:
        return ""
    said = trouble(deployment, situation.newest)
    if has_crashed(situation.newest):
        return said
    if deployment.is_late and not _is_of_before(deployment.late_at, situation.record.since):
        return _with_words_of_nodes(situation, said or "Its pods did not get ready in time.")
    since = situation.record.since
    if longest is not None and since and situation.now - parse_time(since) > longest:
        limit = f"The update took longer than maximumExecutionTimeoutInSeconds, {longest.total_seconds():g}."
        return f"{limit} {said}".strip()
    return ""


def _with_words_of_nodes(situation: Situation, said: str) -> str:
    """Pods that nodes end one after the other leave no other trace: for each a new one is made."""
    words = situation.last_of_nodes
    return shortened(f"{sentence(said)} {words}", FAILURE_REASON_LIMIT) if words else said


def _is_of_before(late_at: str, since: str) -> bool:
    """Whether it was what was there before that was late: of a ReplicaSet that it has already, it is told on.

    Nothing is late in the second in which it begins.
    Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/deployment/progress.go
    """
    return bool(late_at and since) and parse_time(late_at) <= parse_time(since)


def _failed(situation: Situation, deployment: Deployment) -> Verdict:
    record = situation.record
    if not record.goes_back or deployment.is_rolled_out:
        return _verdict_of_failure(record, record.failure)
    # What served before may be broken by now, too; then that is what keeps it from serving.
    is_stuck = has_crashed(situation.newest) or deployment.is_late or situation.waits is not None
    why = trouble(deployment, situation.newest) if is_stuck else ""
    progress = f"{deployment.progress}. {why}".strip() if deployment.is_seen else ""
    message = f"Going back to {record.good}: {progress} {record.target} can't serve: {record.failure}"
    return Verdict(state=State.STALLED, reason=Reason.UPDATE_FAILED, message=message)


def _verdict_of_failure(record: Record, why: str) -> Verdict:
    why = why if why.endswith((".", "!", "?", "…")) else f"{why}."
    if record.good and record.good != record.target:
        message = f"The update to {record.target} has failed, and {record.good} goes on serving: {why} {_NEXT}"
        return Verdict(state=State.STALLED, reason=Reason.UPDATE_FAILED, message=message)
    message = f"{record.target} can't serve: {why} {_NEXT}"
    return Verdict(state=State.STALLED, reason=Reason.ENDPOINT_FAILED, message=message)


def _in_service(wanted: Wanted, deployment: Deployment, *, scaled_by: str) -> Verdict:
    count = f"{deployment.available} pod{'' if deployment.available == 1 else 's'}"
    message = f"{wanted.name} serves {wanted.revision} on {count}."
    if scaled_by:
        message = f"{message} How many is said by the HorizontalPodAutoscaler {scaled_by}, and not by spec.replicas."
    return Verdict(state=State.SERVING, reason=Reason.IN_SERVICE, message=message)


def _under_way(situation: Situation, deployment: Deployment) -> Verdict:
    record = situation.record
    if deployment.refusal:
        message = (
            f"The pods can't be made: {' '.join(deployment.refusal.split())}. It is tried again by itself; the cause "
            "may be the namespace's quota or Pod Security Standard, the service account, or the PriorityClass."
        )
        return Verdict(state=State.STALLED, reason=Reason.PODS_NOT_CREATED, message=message)
    if (waits := situation.waits) is not None:
        return waits
    why = trouble(deployment, situation.newest) if any(pod.crashes for pod in situation.newest) else ""
    return _progressing(record, f"{deployment.progress}. {why}".strip() if deployment.is_seen else "")


def _progressing(record: Record, message: str) -> Verdict:
    what = "Updating" if record.good else "Creating"
    reason = Reason.UPDATING if record.good else Reason.CREATING
    head = f"{what} to {record.target}" if record.good and record.good != record.target else what
    return Verdict(
        state=State.PROGRESSING, reason=reason, message=f"{head}: {message}" if message else f"{head} {record.target}."
    )


def _conclude(situation: Situation, wanted: Wanted, verdict: Verdict, *, again_after: float | None = None) -> Conclude:
    return Conclude(verdict=verdict, fields=_fields(situation, wanted), again_after=again_after)


def _fields(situation: Situation, wanted: Wanted) -> dict[str, Any]:
    """What status shows beside the conditions, in SageMaker's words."""
    deployment, record = situation.deployment, situation.record
    available = deployment.available if deployment is not None else 0
    return {
        "endpointName": wanted.name,
        "endpointStatus": _status(situation),
        "failureReason": record.failure or None,
        "url": wanted.url,
        "replicas": available,
        "currentInstanceCount": available,
        "desiredInstanceCount": deployment.wanted if deployment is not None else wanted.replicas,
    }


def _status(situation: Situation) -> str:
    """Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html (EndpointStatus)."""
    record, deployment = situation.record, situation.deployment
    is_rolled_out = deployment is not None and deployment.is_rolled_out
    if record.goes_back:
        is_broken = has_crashed(situation.newest)
        return "InService" if is_rolled_out else "UpdateRollbackFailed" if is_broken else "RollingBack"
    if record.has_failed:
        return "Failed"
    if not record.good:
        return "Creating"
    return "InService" if is_rolled_out and record.good == record.target else "Updating"


# --- the end -----------------------------------------------------------------------------------------------------


def _plan_deletion(situation: Situation, deletion: Deletion) -> Step:
    step = _unless_paused(situation, _end(situation, deletion))
    return _give_up(situation) if isinstance(step, Conclude) and deletion.is_over(situation.now) else step


def _end(situation: Situation, deletion: Deletion) -> Step:
    if not situation.is_seen and situation.revisions and situation.deletion_policy is DeletionPolicy.RETAIN:
        return _retain_unseen(is_over=deletion.is_over(situation.now))
    if not situation.remains:
        return Release()
    if deletion.is_given_up(situation.now):
        return _give_up(situation)
    if situation.deletion_policy is DeletionPolicy.RETAIN:
        return Leave()
    deployment = situation.deployment
    if deployment is None or not deployment.is_being_deleted:
        return Delete()
    message = f"Deleting: {deployment.total} pods are still to end, and may take the time that their requests take."
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=message)
    return Conclude(verdict=verdict, fields={"endpointStatus": "Deleting"}, again_after=_LOOK_AGAIN_SECONDS)


def _give_up(situation: Situation) -> Release:
    """Let the object go. Kubernetes deletes with it what still names it as its owner."""
    is_retained = situation.deletion_policy is DeletionPolicy.RETAIN
    return Release(orphan=_NOT_RETAINED if is_retained else _ORPHAN)


def _retain_unseen(*, is_over: bool) -> Step:
    """With its object all of it would be deleted, which is to stay; and nobody here may take the reference off."""
    if is_over:
        return Release(orphan="target: Cluster is switched off here: what was to be retained is deleted with it")
    message = (
        "What is to be retained can't be let go: target: Cluster is switched off here. Switch it on "
        f"({SWITCH}), or set runPolicy.deletionPolicy to Stop. When the deadline of the deletion is over, all of "
        "it is deleted."
    )
    verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
    return Conclude(verdict=verdict, fields={}, again_after=_LOOK_AGAIN_SECONDS)


def _unless_paused(situation: Situation, step: Step) -> Step:
    # To part what is to be retained from its object changes nothing that runs.
    if not situation.is_paused or isinstance(step, Wait | Conclude | Leave | Release):
        return step
    state = State.PROGRESSING if situation.deletion else State.PAUSED
    message = "Paused: nothing is changed. Remove the annotation sagebridge.io/paused to go on."
    verdict = Verdict(state=state, reason=Reason.PAUSED, message=message)
    return Conclude(verdict=verdict, fields={}, again_after=_LOOK_AGAIN_SECONDS if situation.deletion else None)
