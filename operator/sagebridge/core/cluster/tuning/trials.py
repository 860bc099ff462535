"""The trials of a tuning job: TrainingJobs of this cluster, made of its definitions, and read again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_KIND, LABEL_UID, annotations_of, labels_of
from sagebridge.core.cluster.tuning.series import Series, series_of
from sagebridge.core.job import Job
from sagebridge.core.names import TAG_PREFIX, digest
from sagebridge.core.search.definition import OBJECTIVE_PARAMETER, Definition, built_in_regex
from sagebridge.core.search.trial import COMPLETED, FAILED, IN_PROGRESS, STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sagebridge.core.cluster.tuning.record import Record

KIND: Final = "HPTuningJob"
LABEL_TUNING_JOB: Final = TAG_PREFIX + "tuning-job"
"""The HPTuningJob's name, for people who look for its trials; names that are too long for a label are left out."""
LABEL_TRIAL: Final = TAG_PREFIX + "trial"
"""The trial's number."""
ANNOTATION_TUNED: Final = TAG_PREFIX + "tuned-hyper-parameters"
"""What was drawn, as a JSON object of texts: what the search is made anew from."""
ANNOTATION_DEFINITION: Final = TAG_PREFIX + "training-job-definition-name"
"""Which of several training definitions it is of."""
ANNOTATION_RUNGS: Final = TAG_PREFIX + "hyperband-rungs"
"""How many of Hyperband's rungs it has passed: what was decided at a rung holds, whoever comes there later."""
ANNOTATION_STOPPED_EARLY: Final = TAG_PREFIX + "stopped-early"
"""Why it was stopped before its time: JSON with the rule, and the value and the step that it went by."""

STOP: Final = {"suspend": True}
"""The change of a trial's runPolicy that stops it for good: nobody takes it back."""

_NAME_LIMIT: Final = 57
_LABEL_LIMIT: Final = 63
_TOOLKIT: Final = "sagemaker_"
_TEMPLATE_FIELDS: Final = (
    "algorithmSpecification",
    "inputDataConfig",
    "outputDataConfig",
    "resourceConfig",
    "stoppingCondition",
    "enableManagedSpotTraining",
    "checkpointConfig",
    "environment",
)


@dataclass(frozen=True, kw_only=True)
class ClusterTrial:
    """A trial as its TrainingJob shows it; implements `sagebridge.core.search.trial.Trial`.

    Attributes:
        number: counted from 1.
        job: its TrainingJob.
        definition: how it trains.
        tuned: what was drawn for it.
    """

    number: int
    job: Job
    definition: Definition
    tuned: Mapping[str, str]

    @cached_property
    def status(self) -> str:
        """Its TrainingJobStatus; what was stopped, and is not to run again, has ended."""
        job, attempt = self.job, self.job.last_attempt
        if job.is_complete:
            return COMPLETED
        if job.is_finished:
            return STOPPED if attempt is not None and attempt.status == STOPPED else FAILED
        is_still = attempt is None or attempt.is_closed
        return STOPPED if job.deletion_requested_at or (job.run_policy.suspend and is_still) else IN_PROGRESS

    @property
    def is_told_to_stop(self) -> bool:
        """Whether nothing more has to be said to end it."""
        return self.job.run_policy.suspend or self.job.deletion_requested_at is not None

    @property
    def reason(self) -> str:
        """Its FailureReason; empty without one."""
        return str(self.job.status.get("failureReason") or "") if self.status == FAILED else ""

    @cached_property
    def value(self) -> float | None:
        """The final value of the objective; None while there is none."""
        if self.status not in (COMPLETED, STOPPED):
            return None
        for metric in self.job.status.get("finalMetricDataList") or ():
            if metric.get("metricName") == self.definition.metric and metric.get("value") is not None:
                return float(metric["value"])
        # What it was stopped for is known, even if its log could not be read again.
        is_early = ANNOTATION_STOPPED_EARLY in annotations_of(self.job.body)
        return self.series[-1] if is_early and self.series else None

    @cached_property
    def _series(self) -> Series:
        return series_of(self.job.body)

    @property
    def series(self) -> tuple[float, ...]:
        """The objective's values that were logged so far, where the search looks at them."""
        return self._series.values

    @property
    def is_trained(self) -> bool:
        """Whether its training is known to have ended, whatever is done with the results."""
        return self._series.is_whole

    @property
    def rungs(self) -> int:
        """How many of Hyperband's rungs it has passed."""
        text = annotations_of(self.job.body).get(ANNOTATION_RUNGS, "")
        return int(text) if text.isascii() and text.isdigit() else 0

    @cached_property
    def ended_at(self) -> float | None:
        """When it ended."""
        if self.status == IN_PROGRESS:
            return None
        attempt = self.job.last_attempt
        ended = self.job.status.get("trainingEndTime") or (attempt.end_time if attempt is not None else "")
        return parse_time(ended or self.job.metadata["creationTimestamp"]).timestamp()


def read(bodies: Iterable[Mapping[str, Any]], record: Record) -> list[ClusterTrial]:
    """The trials of an attempt at a tuning job, by their numbers; what is no trial of it is left out."""
    definitions = {definition.name: definition for definition in record.definitions}
    found: list[ClusterTrial] = []
    for body in bodies:
        annotations, number = annotations_of(body), _number(body, record)
        definition = definitions.get(annotations.get(ANNOTATION_DEFINITION, ""))
        if definition is not None and number is not None:
            tuned = _texts(annotations.get(ANNOTATION_TUNED))
            found.append(ClusterTrial(number=number, job=Job.parse(body), definition=definition, tuned=tuned))
    return sorted(found, key=lambda trial: trial.number)


def _number(body: Mapping[str, Any], record: Record) -> int | None:
    """The number of a trial; None for what only has its labels, which anybody may write in a namespace of theirs."""
    metadata, text = body["metadata"], labels_of(body).get(LABEL_TRIAL, "")
    number = int(text) if text.isascii() and text.isdigit() else 0
    is_named = metadata["name"] == trial_name(record, number) and metadata["namespace"] == record.owner.namespace
    return number if number and is_named else None


def _texts(annotation: str | None) -> dict[str, str]:
    """What was drawn; nothing if somebody has written something else there."""
    try:
        found = json.loads(annotation or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in found.items()} if isinstance(found, dict) else {}


def template(
    definition: Mapping[str, Any], beside: Mapping[str, Any], *, cluster: Mapping[str, Any], region: str
) -> dict[str, Any]:
    """The spec that the trials of a definition share; all but their names and hyperparameters.

    Args:
        definition: a training definition, complete and in lowerCamelCase.
        beside: what `request.resolve` gives beside it.
        cluster: the manifest's ``cluster``.
        region: of AWS.
    """
    spec = {key: definition[key] for key in _TEMPLATE_FIELDS if definition.get(key) is not None}
    if beside.get("framework"):
        spec["algorithmSpecification"] = {
            key: value for key, value in spec["algorithmSpecification"].items() if key != "trainingImage"
        }
    return {**spec, "target": "Cluster", "region": region, **({"cluster": dict(cluster)} if cluster else {}), **beside}


def trial_name(record: Record, number: int) -> str:
    """The name of a trial: the same for ever, and nobody else's."""
    owner = record.owner
    suffix = f"{number:03d}-{digest(owner.cluster, owner.uid, str(record.attempt), str(number))}"
    readable = re.sub(r"[^a-z0-9-]", "-", owner.name)[: _NAME_LIMIT - len(suffix) - 1].strip("-")
    return f"{readable}-{suffix}"


def manifest(
    record: Record, definition: int, *, number: int, tuned: Mapping[str, str], deletion_policy: str
) -> dict[str, Any]:
    """The TrainingJob of a trial.

    Args:
        record: the tuning job.
        definition: the index of its definition.
        number: counted from 1.
        tuned: what was drawn.
        deletion_policy: what becomes of its job when it is deleted: the tuning job's.
    """
    owner, name = record.owner, trial_name(record, number)
    label = {LABEL_TUNING_JOB: owner.name} if len(owner.name) <= _LABEL_LIMIT else {}
    labels = {LABEL_UID: owner.uid, LABEL_ATTEMPT: str(record.attempt), LABEL_KIND: KIND, LABEL_TRIAL: str(number)}
    named = record.definitions[definition].name
    reference = {"apiVersion": "sagebridge.io/v1alpha1", "kind": KIND, "name": owner.name, "uid": owner.uid}
    return {
        "apiVersion": "sagebridge.io/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": {"app.kubernetes.io/managed-by": "sagebridge", **label, **labels},
            "annotations": {
                ANNOTATION_TUNED: json.dumps(dict(tuned), sort_keys=True),
                **({ANNOTATION_DEFINITION: named} if named else {}),
            },
            "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": False}],
        },
        "spec": _spec(record, definition, name=name, tuned=tuned) | {"runPolicy": {"deletionPolicy": deletion_policy}},
    }


def _spec(record: Record, index: int, *, name: str, tuned: Mapping[str, str]) -> dict[str, Any]:
    spec = dict(record.templates[index])
    definition = record.definitions[index]
    texts = {**definition.static, **tuned}
    own_words = "framework" in spec
    parameters = _as_given(texts) if own_words else texts
    spec["trainingJobName"] = name
    spec["hyperParameters"] = {**parameters, OBJECTIVE_PARAMETER: definition.metric}
    algorithm = dict(spec.get("algorithmSpecification") or {})
    if not algorithm.get("metricDefinitions"):
        algorithm["metricDefinitions"] = [{"name": definition.metric, "regex": built_in_regex(definition.metric)}]
    spec["algorithmSpecification"] = algorithm
    checkpoints = spec.get("checkpointConfig")
    if checkpoints and checkpoints.get("s3Uri"):
        # Trials that share a place would go on from each other's checkpoints.
        spec["checkpointConfig"] = {**checkpoints, "s3Uri": f"{checkpoints['s3Uri'].rstrip('/')}/{name}"}
    tags = [tag for tag in record.request.get("Tags", ()) if not tag["Key"].startswith((TAG_PREFIX, "aws:"))]
    if tags:
        spec["tags"] = [{"key": tag["Key"], "value": tag.get("Value", "")} for tag in tags]
    return spec


def _as_given(texts: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameters as a manifest has them: what script mode sends is the JSON of it, which is made again."""
    return {key: json.loads(text) for key, text in texts.items() if not key.startswith(_TOOLKIT)}
