"""A job object as the planner sees it: parsed once, immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from sagebridge.core import conditions
from sagebridge.core.clock import parse_time
from sagebridge.core.job_failure import JobFailure
from sagebridge.core.pipelines.marks import ANNOTATION_POD

ANNOTATION_PREFIX = "sagebridge.io/"
ANNOTATION_PAUSED = ANNOTATION_PREFIX + "paused"
ANNOTATION_ADOPT = ANNOTATION_PREFIX + "adopt"
ANNOTATION_RECONCILE_AT = ANNOTATION_PREFIX + "reconcile-at"
FINALIZER = ANNOTATION_PREFIX + "finalizer"

STOPPED_TO_SUSPEND = "Suspended"
"""The `stopRequested` of an attempt that was stopped because the user suspended the object."""
STOPPED_AS_ABANDONED = "PipelineStepGone"
"""The same of one that was stopped because the pod of the pipeline's step that made the object is gone."""
STOPPED_TO_GO_ON = frozenset({STOPPED_TO_SUSPEND, STOPPED_AS_ABANDONED})
"""Of an attempt that was stopped so, another follows when that no longer holds."""

_STOPPED, _FAILED = "Stopped", "Failed"
"""The statuses of an attempt of any kind that was stopped, or has failed."""

_DEFAULT_RETRY_ERRORS = (JobFailure.CAPACITY_ERROR.value, JobFailure.INTERNAL_SERVER_ERROR.value)


class DeletionPolicy(StrEnum):
    """What deleting the object does to what it made in AWS."""

    STOP = "Stop"
    RETAIN = "Retain"
    PURGE = "Purge"


class Place(StrEnum):
    """Where a job runs, as ``spec.target`` says it."""

    SAGEMAKER = "SageMaker"
    CLUSTER = "Cluster"

    @property
    def authority(self) -> str:
        """Who does, or refuses, what is asked for there."""
        return "the cluster" if self is Place.CLUSTER else "AWS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One try at a job, as `status.attempts` records it before anything is created.

    Attributes:
        number: 1 for the first.
        name: the SageMaker name.
        region: where it runs.
        recorded_at: RFC 3339 time at which it was recorded.
        arn: empty until the job is known to exist.
        status: the terminal status once it is closed, else empty.
        reason: the class of failure that ended it, or empty.
        message: the FailureReason, or empty.
        end_time: RFC 3339 time, empty while open.
        stop_requested: why the operator stopped it, or empty.
        adopted: whether it was there before the object; adopted things are never purged.
    """

    number: int
    name: str = ""
    region: str = ""
    recorded_at: str = ""
    arn: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    end_time: str = ""
    stop_requested: str = ""
    adopted: bool = False

    @property
    def is_closed(self) -> bool:
        """Whether it has ended and the status says how."""
        return bool(self.status)

    @property
    def was_interrupted(self) -> bool:
        """Whether the cluster ended it by taking a node away, which is no failure of its own."""
        return self.reason == JobFailure.INTERRUPTED

    @property
    def was_stopped_to_go_on(self) -> bool:
        """Whether it was stopped for something that may end. What has failed before that has failed."""
        return self.is_closed and self.status != _FAILED and self.stop_requested in STOPPED_TO_GO_ON

    @property
    def may_run_again(self) -> bool:
        """Whether it is closed, and a queue of the cluster's may still run what it had begun."""
        return self.is_closed and (self.was_interrupted or self.status == _STOPPED)

    @classmethod
    def parse(cls, entry: Mapping[str, Any], *, object_created_at: str = "") -> Attempt:
        """From an entry of `status.attempts`.

        Whoever may write a status may leave times out: that must not keep the object from being looked after.
        """
        values = {field.name: entry.get(_camel(field.name)) for field in fields(cls)}
        given = {name: value for name, value in values.items() if value is not None}
        recorded_at = given.setdefault("recorded_at", object_created_at)
        if given.get("status"):
            given.setdefault("end_time", recorded_at)
        return cls(**given)

    def dump(self) -> dict[str, Any]:
        """To an entry of `status.attempts`; empty values are left out."""
        values = {_camel(field.name): getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value not in ("", False)}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeModel:
    """A model made for an object, as `status.models` records it before it is created.

    Attributes:
        name: its name in SageMaker.
        arn: empty until it is known to exist.
        attempt: the number of the attempt that uses it; 0 for one that none uses any more.
    """

    name: str
    arn: str = ""
    attempt: int = 0

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> MadeModel:
        """From an entry of `status.models`."""
        return cls(name=str(entry["name"]), arn=entry.get("arn") or "", attempt=int(entry.get("attempt") or 0))

    def dump(self) -> dict[str, Any]:
        """To an entry of `status.models`; empty values are left out."""
        values = {"name": self.name, "arn": self.arn, "attempt": self.attempt}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPolicy:
    """`spec.runPolicy`, with its defaults."""

    deletion_policy: DeletionPolicy = DeletionPolicy.STOP
    suspend: bool = False
    retry_limit: int = 0
    retry_errors: tuple[str, ...] = _DEFAULT_RETRY_ERRORS
    ttl_seconds: int | None = None

    @classmethod
    def parse(cls, spec: Mapping[str, Any]) -> RunPolicy:
        """From a whole spec."""
        policy = spec.get("runPolicy") or {}
        retry = policy.get("retry") or {}
        return cls(
            deletion_policy=DeletionPolicy(policy.get("deletionPolicy", DeletionPolicy.STOP)),
            suspend=bool(policy.get("suspend", False)),
            retry_limit=int(retry.get("limit", 0)),
            retry_errors=tuple(retry.get("errors", _DEFAULT_RETRY_ERRORS)),
            ttl_seconds=policy.get("ttlSecondsAfterFinished"),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A custom resource of a job kind, parsed.

    Attributes:
        body: the whole object; treat it as read-only.
        run_policy: parsed `spec.runPolicy`.
        attempts: parsed `status.attempts`, oldest first.
    """

    body: Mapping[str, Any]
    run_policy: RunPolicy
    attempts: tuple[Attempt, ...]

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Job:
        """From the object as the API server gives it."""
        entries = (body.get("status") or {}).get("attempts") or ()
        created_at = body["metadata"].get("creationTimestamp", "")
        return cls(
            body=body,
            run_policy=RunPolicy.parse(body.get("spec") or {}),
            attempts=tuple(Attempt.parse(entry, object_created_at=created_at) for entry in entries),
        )

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata, as the API server gives it."""
        return self.body["metadata"]  # type: ignore[no-any-return]

    @property
    def spec(self) -> Mapping[str, Any]:
        """The spec; empty if there is none."""
        return self.body.get("spec") or {}

    @property
    def status(self) -> Mapping[str, Any]:
        """The status; empty before the first look."""
        return self.body.get("status") or {}

    @property
    def uid(self) -> str:
        """The UID."""
        return str(self.metadata["uid"])

    @property
    def namespace(self) -> str:
        """The namespace."""
        return str(self.metadata["namespace"])

    @property
    def name(self) -> str:
        """The name."""
        return str(self.metadata["name"])

    @property
    def place(self) -> Place:
        """Where it runs."""
        return Place(self.spec.get("target") or Place.SAGEMAKER)

    @property
    def generation(self) -> int:
        """The generation of the spec."""
        return int(self.metadata.get("generation", 0))

    @property
    def conditions(self) -> list[Mapping[str, Any]]:
        """The conditions in status."""
        return list(self.status.get("conditions") or ())

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations."""
        return self.metadata.get("annotations") or {}

    @property
    def is_paused(self) -> bool:
        """Whether nothing may be changed in AWS for now."""
        return self.annotations.get(ANNOTATION_PAUSED) == "true"

    @property
    def may_adopt(self) -> bool:
        """Whether an untagged job of the same name may be taken over."""
        return self.annotations.get(ANNOTATION_ADOPT) == "true"

    @property
    def abandoned_by(self) -> str:
        """Name and UID of the pod that was found gone, and for whose sake nothing runs; empty if none was."""
        return str((self.status.get("stepGone") or {}).get("pod") or "")

    @property
    def is_abandoned(self) -> bool:
        """Whether that pod is still the one that should attend it: a successor, or nobody, lifts the stop."""
        return bool(self.abandoned_by) and self.annotations.get(ANNOTATION_POD) == self.abandoned_by

    @property
    def is_held(self) -> bool:
        """Whether nothing of it may run now."""
        return self.run_policy.suspend or self.is_abandoned

    @property
    def finalizers(self) -> list[str]:
        """Who holds the object back from vanishing."""
        return list(self.metadata.get("finalizers") or ())

    @property
    def is_finalized(self) -> bool:
        """Whether our finalizer holds it, so that nothing made for it can be forgotten."""
        return FINALIZER in self.finalizers

    @property
    def deletion_requested_at(self) -> datetime | None:
        """When deletion was asked for, None if it was not."""
        stamp = self.metadata.get("deletionTimestamp")
        return parse_time(stamp) if stamp else None

    @property
    def is_released(self) -> bool:
        """Whether it is being deleted and we hold it no longer: nothing is left to do for it."""
        return self.deletion_requested_at is not None and not self.is_finalized

    @property
    def is_complete(self) -> bool:
        """Whether the job has succeeded."""
        return conditions.is_true(self.conditions, conditions.COMPLETE)

    @property
    def is_finished(self) -> bool:
        """Whether Complete or Failed is there: no further attempt can follow."""
        return self.is_complete or conditions.is_true(self.conditions, conditions.FAILED)

    @property
    def last_attempt(self) -> Attempt | None:
        """The newest attempt, None before the first."""
        return self.attempts[-1] if self.attempts else None

    @property
    def models(self) -> tuple[MadeModel, ...]:
        """The models that were made for it, and not deleted since."""
        return tuple(MadeModel.parse(entry) for entry in self.status.get("models") or ())

    def model_of(self, attempt: Attempt) -> MadeModel | None:
        """The model that was recorded for an attempt, None if it needs none of its own."""
        return next((model for model in self.models if model.attempt == attempt.number), None)

    @property
    def has_unapplied_tags(self) -> bool:
        """Whether `spec.tags` differs from what was last written to AWS."""
        return tag_map(self.spec.get("tags")) != tag_map(self.status.get("tags"))

    @property
    def unapplied_tags(self) -> tuple[dict[str, str], list[str]]:
        """The tags to be set at AWS, and the keys to be taken off."""
        wanted, applied = tag_map(self.spec.get("tags")), tag_map(self.status.get("tags"))
        added = {key: value for key, value in wanted.items() if applied.get(key) != value}
        return added, sorted(applied.keys() - wanted.keys())


def tag_map(tags: Any) -> dict[str, str]:
    """A list of {key, value} as a mapping."""
    return {tag["key"]: tag.get("value", "") for tag in tags or ()}


def is_tracked_by_gitops(metadata: Mapping[str, Any]) -> bool:
    """Whether Argo CD or Flux keeps the object: deleting it would have it made, and paid for, again.

    Sources:
        https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
        https://fluxcd.io/flux/components/kustomize/kustomizations/ (labels of applied objects)
    """
    labels = metadata.get("labels") or {}
    annotations = metadata.get("annotations") or {}
    return (
        "argocd.argoproj.io/tracking-id" in annotations
        or "app.kubernetes.io/instance" in labels
        or "kustomize.toolkit.fluxcd.io/name" in labels
        or "helm.toolkit.fluxcd.io/name" in labels
    )
