"""From the spec of a TrainingJob with target: Cluster to the complete one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core import training
from sagebridge.core.cluster import refusals
from sagebridge.core.cluster.environment import told_apart
from sagebridge.core.resolution import value_at, with_value_at
from sagebridge.core.training.hyperparameters import MPI, MPI_PROCESSES_PER_HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.resolution import ResolveContext

_ABOVE: Final = frozenset({"target", "cluster"})


class Launch(StrEnum):
    """How the training container is started."""

    IMAGE = "image"
    """``<image> train``: the image knows what to do."""
    SCRIPT = "script"
    """By the launcher that the agent brings: the image has Python, and perhaps no training toolkit."""


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """The complete request of CreateTrainingJob in lowerCamelCase, and what is needed beside it under ``cluster``.

    Beside the manifest's own fields, ``cluster`` then has ``launch``, in ``secrets`` the ``environmentFrom`` that only
    a pod can read, and in ``countsProcesses`` whether `with_processes` is to say how many MPI starts.

    Raises:
        SpecError: names the field, and says what to do.
    """
    refusals.check(spec)
    cluster = spec.get("cluster") or {}
    plain, secrets = told_apart({key: value for key, value in spec.items() if key not in _ABOVE})
    counts = counts_processes(spec)
    if counts:
        # The instance type does not tell what of it a pod asks for.
        plain["hyperParameters"] = {**(spec.get("hyperParameters") or {}), MPI_PROCESSES_PER_HOST: 1}
    request = training.resolve(plain, context, file_systems_need_vpc=False)
    # The pods act as their service account.
    request.pop("roleArn", None)
    if cluster.get("image"):
        request = with_value_at(request, ("algorithmSpecification", "trainingImage"), cluster["image"])
    request = _with_wait_left(request, waited=context.waited_seconds)
    beside = {"launch": launch_of(spec, cluster).value, "secrets": secrets, "countsProcesses": counts}
    return {**request, "cluster": {**cluster, **beside}}


def with_processes(request: Mapping[str, Any], cluster: Mapping[str, Any], *, count: int) -> dict[str, Any]:
    """The request (PascalCase) with the processes that MPI starts in each pod, unless the manifest says how many."""
    return set_processes(request, count=count) if cluster.get("countsProcesses") else dict(request)


def set_processes(request: Mapping[str, Any], *, count: int, member: str = "HyperParameters") -> dict[str, Any]:
    """The request (PascalCase) with the processes that MPI starts in each pod among its hyperparameters."""
    return {**request, member: {**request[member], MPI_PROCESSES_PER_HOST: str(count)}}


def counts_processes(spec: Mapping[str, Any], *, field: str = "hyperParameters") -> bool:
    """Whether it is for the placement to say how many processes MPI starts."""
    by_mpi = (spec.get("framework") or {}).get("distribution") == MPI
    return by_mpi and MPI_PROCESSES_PER_HOST not in (spec.get(field) or {})


def _with_wait_left(request: dict[str, Any], *, waited: float) -> dict[str, Any]:
    """Without SageMaker, each attempt is a job of its own, and the time to wait is that of all together."""
    path = ("stoppingCondition", "maxWaitTimeInSeconds")
    wait = value_at(request, path)
    return request if wait is None else with_value_at(request, path, max(1, int(wait - waited)))


def launch_of(spec: Mapping[str, Any], cluster: Mapping[str, Any]) -> Launch:
    """An image that stands in for a framework's need not have its toolkit; MPI is started by the toolkit alone."""
    framework = spec.get("framework") or {}
    replaced = bool(framework) and bool(cluster.get("image"))
    return Launch.SCRIPT if replaced and framework.get("distribution") != MPI else Launch.IMAGE
