"""The tuning jobs that a warm start learns from: by reference to objects, or by their names in SageMaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.references import TUNING_JOB, missing, warm_start_parents
from sagebridge.engine.failures import NotReadyError, WaitingError
from sagebridge.engine.store import Store

NAME_IN_SAGEMAKER = "hyperParameterTuningJobName"
FIELD = "spec.warmStartConfig.parentHyperParameterTuningJobs"


def parents_of(store: Store, job: Job) -> list[dict[str, str]]:
    """The parents of a spec's warm start, in its order; what an earlier attempt has learned from holds for later ones.

    Raises:
        SpecError: one says neither or both of a reference and a name, or has brought nothing to learn from.
        WaitingError: one is not there.
        NotReadyError: one has not ended yet.
    """
    pinned = job.status.get("parents") if job.attempts else None
    if pinned:
        return [dict(parent) for parent in pinned]
    return [
        _parent(store, job, parent, field=f"{FIELD}[{index}]")
        for index, parent in enumerate(warm_start_parents(job.spec))
    ]


def _parent(store: Store, job: Job, parent: Mapping[str, Any], *, field: str) -> dict[str, str]:
    given, reference = parent.get(NAME_IN_SAGEMAKER), parent.get("ref")
    if (given is None) == (reference is None):
        raise SpecError(field, "must name its parent by exactly one of ref (an HPTuningJob) or its name in SageMaker")
    if reference is None:
        return {NAME_IN_SAGEMAKER: str(given)}
    name = reference["name"]
    memory = store.find(kind=TUNING_JOB, namespace=job.namespace, name=name)
    if memory is None:
        raise WaitingError(f"{field}.ref: {missing(f'{TUNING_JOB} {name}')}")
    if not memory.job.is_finished:
        raise NotReadyError(f"{field}.ref: waiting for {TUNING_JOB} {name} to end.")
    if memory.job.place is not job.place:
        message = f"{TUNING_JOB} {name} has another target: what its trials have found is not known there. Take it out."
        raise SpecError(f"{field}.ref", message)
    found = memory.job.status.get(NAME_IN_SAGEMAKER)
    if not found or not memory.job.status.get("bestTrainingJob"):
        raise SpecError(
            f"{field}.ref",
            f"{TUNING_JOB} {name} has ended without a result, so there is nothing to learn from it. Refer to another, "
            "or take it out.",
        )
    return {"name": str(name), "uid": memory.job.uid, NAME_IN_SAGEMAKER: str(found)}
