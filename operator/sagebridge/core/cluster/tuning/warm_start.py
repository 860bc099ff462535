"""What a search on the cluster learns from earlier ones: taken down when it is recorded, since their trials may go.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.tuning.plan import is_over
from sagebridge.core.cluster.tuning.quotas import MOST_TRIALS
from sagebridge.core.cluster.tuning.record import Inherited
from sagebridge.core.cluster.tuning.summaries import better, summary
from sagebridge.core.errors import SpecError
from sagebridge.core.search.trial import best_of
from sagebridge.core.search.warm_start import ParentError, check_fit, check_one

if TYPE_CHECKING:
    from sagebridge.core.cluster.tuning.record import Record
    from sagebridge.core.cluster.tuning.trials import ClusterTrial

_PARENTS: Final = "spec.warmStartConfig.parentHyperParameterTuningJobs"
_MOST: Final = "spec.hyperParameterTuningJobConfig.resourceLimits.maxNumberOfTrainingJobs"
_MOST_BYTES: Final = 400_000
"""A ConfigMap has at most 1 MiB, and the request is in it, too."""

Parent = tuple["Record", Sequence["ClusterTrial"]]


def parents_of(record: Record) -> list[str]:
    """The names of the tuning jobs that a search learns from."""
    config = record.request.get("WarmStartConfig") or {}
    return [str(one["HyperParameterTuningJobName"]) for one in config.get("ParentHyperParameterTuningJobs", ())]


def inherit(record: Record, parents: Mapping[str, Parent]) -> Inherited:
    """What a search learns from its parents; on SageMaker, too, what these had learned from others is not passed on.

    Args:
        record: the search.
        parents: the tuning jobs of its namespace by their names, as far as they are there.

    Raises:
        SpecError: one is not there, has not ended, or does not fit.
    """
    named = parents_of(record)
    for index, name in enumerate(named):
        _check(record, name, parents.get(name), field=f"{_PARENTS}[{index}]")
    found = [parents[name] for name in named]
    _check_number(record, found)
    trials = [result for _, of_parent in found for result in _results(record, of_parent)]
    best: Mapping[str, Any] | None = None
    for parent in found:
        best = better(best, _best(*parent), maximize=record.definitions[0].maximize)
    inherited = Inherited(trials=tuple(trials), best=best)
    if len(json.dumps(inherited.content())) > _MOST_BYTES:
        raise SpecError(
            _PARENTS, f"have {len(trials)} trials in all, which are too many to be kept: name fewer parents"
        )
    return inherited


def _check(record: Record, name: str, parent: Parent | None, *, field: str) -> None:
    if parent is None:
        message = f"there is no tuning job {name} in this namespace that ran on the cluster; refer to its HPTuningJob"
        raise SpecError(field, message)
    if not is_over(*parent):
        raise SpecError(field, f"the tuning job {name} has not ended yet: refer to it by ref, which waits for it")
    kind = str(record.request["WarmStartConfig"]["WarmStartType"])
    try:
        check_one(record.definitions)
        check_fit(record.definitions[0], parent[0].definitions[0], name=name, kind=kind)
    except ParentError as error:
        raise SpecError(f"spec.{error.field}", str(error)) from error


def _check_number(record: Record, parents: Sequence[Parent]) -> None:
    """What the parents have launched counts against what a search may."""
    launched = sum(len(trials) for _, trials in parents)
    most = int(record.config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 1))
    if launched + most > MOST_TRIALS:
        message = (
            f"must not be greater than {max(0, MOST_TRIALS - launched)}: the {launched} trials of the parents count, "
            f"and there may be {MOST_TRIALS} in all. Name fewer parents, or fewer trials"
        )
        raise SpecError(_MOST, message)


def _results(record: Record, trials: Sequence[ClusterTrial]) -> list[tuple[Mapping[str, str], float]]:
    """Of each trial what this search looks for, and the value."""
    names = [item.name for item in record.definitions[0].parameters]
    own = [({**trial.definition.static, **trial.tuned}, trial.value) for trial in trials]
    known = [(texts, value) for texts, value in own if value is not None and texts.keys() >= set(names)]
    return [({name: texts[name] for name in names}, value) for texts, value in known]


def _best(parent: Record, trials: Sequence[ClusterTrial]) -> Mapping[str, Any] | None:
    best = best_of(trials)
    return None if best is None else {**summary(best), "TuningJobName": parent.name}
