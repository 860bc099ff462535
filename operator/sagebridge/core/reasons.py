"""The one list of condition and Event reasons."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a condition holds, in CamelCase as Kubernetes wants it."""

    # Not looked at yet
    ACCEPTED = "Accepted"

    # On the way
    SUBMITTING = "Submitting"
    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    CREATING = "Creating"
    UPDATING = "Updating"
    WAITING_FOR_REFERENCE = "WaitingForReference"
    REFERENCE_NOT_READY = "ReferenceNotReady"
    WAITING_FOR_REMOVAL = "WaitingForRemoval"
    THROTTLED = "Throttled"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    QUOTA_EXCEEDED = "QuotaExceeded"
    RETRY_PENDING = "RetryPending"
    STATUS_STALE = "StatusStale"
    QUEUED = "Queued"
    UNSCHEDULABLE = "Unschedulable"
    PAUSED = "Paused"
    SUSPENDED = "Suspended"
    PIPELINE_STEP_GONE = "PipelineStepGone"

    # Ended
    COMPLETED = "Completed"
    JOB_FAILED = "JobFailed"
    JOB_STOPPED = "JobStopped"
    JOB_GONE = "JobGone"
    IN_SERVICE = "InService"
    UPDATE_FAILED = "UpdateFailed"
    ENDPOINT_FAILED = "EndpointFailed"

    # The user, or an administrator, has to act
    INVALID_SPEC = "InvalidSpec"
    NOT_ALLOWED = "NotAllowed"
    ACCESS_DENIED = "AccessDenied"
    REJECTED = "Rejected"
    IMAGE_PULL_FAILED = "ImagePullFailed"
    CONTAINER_NOT_STARTED = "ContainerNotStarted"
    PODS_NOT_CREATED = "PodsNotCreated"
    NAME_CONFLICT = "NameConflict"
    TAGS_REJECTED = "TagsRejected"
    CLEANUP_BLOCKED = "CleanupBlocked"

    # Deletion
    DELETING = "Deleting"
    DELETION_BLOCKED = "DeletionBlocked"
    ORPHANED = "Orphaned"

    # Events only
    ATTEMPT_CREATED = "AttemptCreated"
    MODEL_CREATED = "ModelCreated"
    MODEL_DELETED = "ModelDeleted"
    ADOPTED = "Adopted"
    DRIFT_CORRECTED = "DriftCorrected"
    SCALED_BY_ANOTHER = "ScaledByAnother"
    ALARM_NOT_FOUND = "AlarmNotFound"
    EXPIRED = "Expired"

    @classmethod
    def parse(cls, word: object, *, default: Reason) -> Reason:
        """The reason of that word; `default` for one that is not ours, which somebody else has put there."""
        return next((reason for reason in cls if reason.value == word), default)
