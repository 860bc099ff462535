"""From the spec of an HPTuningJob with target: Cluster to the complete one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.environment import told_apart
from sagebridge.core.cluster.request import Launch, counts_processes, launch_of, set_processes
from sagebridge.core.cluster.tuning import refusals
from sagebridge.core.resolution import Part, with_value_at
from sagebridge.core.training.hyperparameters import MPI_PROCESSES_PER_HOST
from sagebridge.core.tuning.request import complete
from sagebridge.core.tuning.sections import ONE, SEVERAL, sections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge.core.resolution import ResolveContext

_STATIC: Final = "StaticHyperParameters"
_IMAGE: Final = ("algorithmSpecification", "trainingImage")


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """The complete request of CreateHyperParameterTuningJob in lowerCamelCase, and what is needed beside it.

    What the request has no members for is under ``cluster``: in ``given`` the manifest's own, and in ``definitions``,
    for each training definition, the ``environmentFrom`` that only a pod can read, and the ``framework`` and
    ``source`` of a script that an image without SageMaker's toolkit runs. ``countsProcesses`` has the indexes of the
    definitions of which `with_processes` is to say how many MPI starts.

    Raises:
        SpecError: names the field, and says what to do.
    """
    refusals.check(spec)
    cluster = dict(spec.get("cluster") or {})
    plain = _each({key: value for key, value in spec.items() if key not in ("target", "cluster")}, _plain)
    request = complete(plain, context, file_systems_need_vpc=False)
    request = _each(request, partial(_as_pods_have_it, image=cluster.get("image")))
    beside = [
        _beside(definition, cluster, context.parts.get(path, Part())) for path, definition in sections(spec).items()
    ]
    counted = [
        index
        for index, one in enumerate(sections(spec).values())
        if counts_processes(one, field="staticHyperParameters")
    ]
    return {**request, "cluster": {"given": cluster, "definitions": beside, "countsProcesses": counted}}


def with_processes(request: Mapping[str, Any], index: int, *, count: int) -> dict[str, Any]:
    """The request (PascalCase) with the processes that MPI starts in each pod of a definition's trials."""
    if request.get("TrainingJobDefinition"):
        definition = set_processes(request["TrainingJobDefinition"], count=count, member=_STATIC)
        return {**request, "TrainingJobDefinition": definition}
    definitions = list(request["TrainingJobDefinitions"])
    definitions[index] = set_processes(definitions[index], count=count, member=_STATIC)
    return {**request, "TrainingJobDefinitions": definitions}


def _plain(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Without what only pods can read; where the placement is to count MPI's processes, with a number to go on."""
    plain, _ = told_apart(definition)
    static = definition.get("staticHyperParameters")
    if counts_processes(definition, field="staticHyperParameters"):
        static = {**(static or {}), MPI_PROCESSES_PER_HOST: 1}
    return {**plain, **({"staticHyperParameters": static} if static else {})}


def _as_pods_have_it(definition: Mapping[str, Any], *, image: str | None) -> dict[str, Any]:
    """Without a role, since pods act as their service account; with the manifest's own image."""
    found = {key: value for key, value in definition.items() if key != "roleArn"}
    return with_value_at(found, _IMAGE, image) if image else found


def _each(spec: Mapping[str, Any], change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A copy with changed training definitions."""
    changed = dict(spec)
    if spec.get(ONE):
        changed[ONE] = change(spec[ONE])
    if spec.get(SEVERAL):
        changed[SEVERAL] = [change(definition) for definition in spec[SEVERAL]]
    return changed


def _beside(definition: Mapping[str, Any], cluster: Mapping[str, Any], part: Part) -> dict[str, Any]:
    _, secrets = told_apart(definition)
    found: dict[str, Any] = {"environmentFrom": secrets} if secrets else {}
    if launch_of(definition, cluster) is Launch.SCRIPT:
        source = definition["source"]
        uri = source.get("s3Uri") or part.source_uri
        found |= {
            "framework": dict(definition["framework"]),
            "source": {"entryPoint": source["entryPoint"], "s3Uri": uri},
        }
    return found
