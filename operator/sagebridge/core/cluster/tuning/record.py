"""What is kept of an attempt at a tuning job: a ConfigMap, from which, and from the trials, all else follows.

The data of an immutable ConfigMap can't change, its annotations can:
https://kubernetes.io/docs/concepts/configuration/configmap/#configmap-immutable
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.names import ANNOTATION_TAGS, annotations_of, kubernetes_name, labels
from sagebridge.core.cluster.tuning.trials import KIND, template
from sagebridge.core.names import TAG_PREFIX, Owner, without_ownership
from sagebridge.core.search.definition import Definition, definitions
from sagebridge.core.search.ending import Ending
from sagebridge.core.search.trial import ENDED
from sagebridge.core.tuning.sections import sections

FILE: Final = "tuning-job.json"
ANNOTATION_ENDING: Final = TAG_PREFIX + "ending"
"""What the search is being ended as, and when that was decided: JSON. It is written before any trial is stopped."""
ANNOTATION_USED: Final = TAG_PREFIX + "trials-made"
"""The highest number of a trial that was made, which is not used again when that trial is deleted."""

_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Inherited:
    """What a search has learned from others before its first trial.

    Attributes:
        trials: hyperparameters, and the objective's value with them.
        best: the best of those trials, a HyperParameterTrainingJobSummary; None without one.
    """

    trials: tuple[tuple[Mapping[str, str], float], ...] = ()
    best: Mapping[str, Any] | None = None

    def content(self) -> dict[str, Any]:
        """As it is kept."""
        return {"trials": [[dict(texts), value] for texts, value in self.trials], "best": self.best}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Inherited:
        """The inverse of `content`."""
        trials = tuple((dict(texts), float(value)) for texts, value in content.get("trials", ()))
        return cls(trials=trials, best=content.get("best"))


@dataclass(frozen=True, kw_only=True)
class Record:
    """One attempt at a tuning job.

    Attributes:
        owner: its object.
        attempt: which attempt of the object it is.
        name: HyperParameterTuningJobName.
        request: CreateHyperParameterTuningJob's, PascalCase and complete.
        templates: for each training definition, the spec that its trials share.
        created_at: when it was recorded, RFC 3339.
        ending: what it is being ended as; None while it goes on.
        ending_at: when that was decided, RFC 3339; empty while it goes on.
        used: the highest number of a trial that is known to have been made.
        inherited: what a warm start has learned from.
    """

    owner: Owner
    attempt: int
    name: str
    request: Mapping[str, Any]
    templates: Sequence[Mapping[str, Any]]
    created_at: str = ""
    ending: Ending | None = None
    ending_at: str = ""
    used: int = 0
    inherited: Inherited = Inherited()

    @property
    def config(self) -> Mapping[str, Any]:
        """HyperParameterTuningJobConfig."""
        config: Mapping[str, Any] = self.request["HyperParameterTuningJobConfig"]
        return config

    @cached_property
    def definitions(self) -> tuple[Definition, ...]:
        """The training definitions."""
        return definitions(self.request)

    @property
    def combinations(self) -> float:
        """How many different trials there are; infinitely many with a continuous range."""
        return sum(definition.combinations for definition in self.definitions)

    @property
    def identity(self) -> str:
        """What it is called for ever."""
        return kubernetes_name(self.owner, self.attempt)


def tuning_arn(owner: Owner, attempt: int, *, region: str) -> str:
    """What stands for the ARN of an attempt, in an ARN's form."""
    return f"arn:kubernetes:core:{region}:{owner.namespace}:configmap/{kubernetes_name(owner, attempt)}"


def templates(spec: Mapping[str, Any], *, region: str) -> list[dict[str, Any]]:
    """What the trials of each definition share, from a complete spec in lowerCamelCase."""
    cluster = spec["cluster"]
    return [
        template(definition, beside, cluster=cluster["given"], region=region)
        for definition, beside in zip(sections(spec).values(), cluster["definitions"], strict=True)
    ]


def manifest(record: Record) -> dict[str, Any]:
    """The ConfigMap."""
    owner = record.owner
    tags = without_ownership({tag["Key"]: tag.get("Value", "") for tag in record.request.get("Tags", ())})
    content = {
        "version": _VERSION,
        "name": record.name,
        "request": record.request,
        "trials": list(record.templates),
        **({"inherited": record.inherited.content()} if record.inherited.trials else {}),
    }
    reference = {"apiVersion": "sagebridge.io/v1alpha1", "kind": KIND, "name": owner.name, "uid": owner.uid}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record.identity,
            "namespace": owner.namespace,
            "labels": labels(owner, record.attempt, kind=KIND),
            "annotations": {**owner.tags(), ANNOTATION_TAGS: json.dumps(tags, sort_keys=True)},
            "ownerReferences": [reference | {"controller": True, "blockOwnerDeletion": False}],
        },
        "immutable": True,
        "data": {FILE: json.dumps(content, sort_keys=True)},
    }


def parse(body: Mapping[str, Any], *, owner: Owner, attempt: int) -> Record | None:
    """Read the ConfigMap; None if somebody has put another in its place that can't be read."""
    try:
        content = json.loads(body["data"][FILE])
        record = Record(
            owner=owner,
            attempt=attempt,
            name=content["name"],
            request=content["request"],
            templates=content["trials"],
            created_at=body["metadata"]["creationTimestamp"],
            inherited=Inherited.of(content.get("inherited") or {}),
            used=_read_used(annotations_of(body).get(ANNOTATION_USED)),
            **read_ending(annotations_of(body).get(ANNOTATION_ENDING)),
        )
        is_whole = len(record.definitions) == len(record.templates) and "ResourceLimits" in record.config
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return record if is_whole else None


def read_ending(text: str | None) -> dict[str, Any]:
    """`ending` and `ending_at` of a Record, from the annotation."""
    said = json.loads(text or "{}")
    if said.get("status") not in ENDED:
        return {}
    parse_time(said["at"])
    return {"ending": Ending(status=said["status"], reason=said.get("reason", "")), "ending_at": said["at"]}


def ending_annotation(ending: Ending, *, at: str) -> dict[str, str]:
    """The annotation that says what a search is being ended as."""
    said = {"status": ending.status, "at": at} | ({"reason": ending.reason} if ending.reason else {})
    return {ANNOTATION_ENDING: json.dumps(said, sort_keys=True)}


def used_annotation(number: int) -> dict[str, str]:
    """The annotation that keeps the highest number of a trial."""
    return {ANNOTATION_USED: str(number)}


def _read_used(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else 0


def seconds_since(record: Record, now: float) -> float:
    """How long it has been there."""
    return now - parse_time(record.created_at).timestamp()
