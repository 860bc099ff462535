"""What the arguments of `on_gpu` say, as ``spec.cluster`` of a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.training.section import Section

from sagebridge_kfp.gpu.affinity import check_affinity
from sagebridge_kfp.gpu.channels import is_channel, refuse_channels
from sagebridge_kfp.gpu.errors import OnGpuError
from sagebridge_kfp.gpu.fields import argument, only
from sagebridge_kfp.gpu.words import ARGUMENTS, IMPOSSIBLE

if TYPE_CHECKING:
    from sagebridge_kfp.gpu.present import Present

_GPU: Final = ("count", "product", "resourceName", "allowShared")
_RESOURCES: Final = ("requests", "limits")
_TOLERATION: Final[Mapping[str, tuple[str, ...]]] = {
    "key": (),
    "operator": ("Exists", "Equal"),
    "value": (),
    "effect": ("NoSchedule", "PreferNoSchedule", "NoExecute"),
}


def block(arguments: Mapping[str, Any], cluster: Mapping[str, Any] | None, present: Present) -> dict[str, Any]:
    """Return ``spec.cluster`` of a job that is placed as the step is to be.

    Args:
        arguments: what the arguments say, by the field of ``spec.cluster``; empty ones are not given.
        cluster: a whole ``spec.cluster``, as a manifest has it.
        present: what the task says already.

    Raises:
        OnGpuError: a field is unknown, given twice, known only when the pipeline runs, or nothing that a step can have.
        SpecError: a value is not of its field's kind.
    """
    given = {name: value for name, value in arguments.items() if _is_given(value)}
    refuse_channels({ARGUMENTS[name]: value for name, value in given.items()})
    joined = _joined(given, _fields_of(cluster or {}))
    if "gpu" in joined:
        joined["gpu"] = _gpu(joined["gpu"])
    _check_fields(Section.of(joined, "spec.cluster"))
    joined["resources"] = _added(joined.get("resources"), present.resources, field="resources")
    selector = _added({"": joined.get("nodeSelector")}, {"": present.node_selector}, field="node_selector")
    return joined | {"nodeSelector": selector[""]}


def pull_secrets(given: Sequence[Any], cluster: Mapping[str, Any]) -> list[Any]:
    """Return the Secrets that images are pulled with: those that are given, and those of ``spec.cluster``.

    Raises:
        OnGpuError: one is neither a name nor an input of the pipeline.
        SpecError: one of ``spec.cluster`` has no name.
    """
    if isinstance(given, str) or not all(isinstance(each, str) or is_channel(each) for each in given):
        raise OnGpuError("image_pull_secrets", "must be a list of names of Secrets")
    listed = Section.of(cluster, "spec.cluster").sections("imagePullSecrets")
    return [*given, *(each.required_text("name", hint="the name of a Secret") for each in listed)]


def _is_given(value: object) -> bool:
    """Whether a value says something. It may be an input of the pipeline, which no value compares with."""
    return value is not None and not (isinstance(value, str | Sequence | Mapping) and not value)


def _fields_of(cluster: Mapping[str, Any]) -> dict[str, Any]:
    section = Section.of(cluster, "cluster")
    refuse_channels({"cluster": cluster})
    for name in section.values:
        if name in IMPOSSIBLE and section.has(name):
            raise OnGpuError(section.field(name), IMPOSSIBLE[name])
        if name not in {*ARGUMENTS, *IMPOSSIBLE}:
            raise OnGpuError(section.field(name), f"is no field of spec.cluster: it has {', '.join(ARGUMENTS)}")
    return {name: value for name, value in section.values.items() if value is not None and name in ARGUMENTS}


def _joined(given: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    twice = next((name for name in given if name in cluster), None)
    if twice is not None:
        raise OnGpuError(ARGUMENTS[twice], f"is given in cluster.{twice} too: keep one of them")
    return {**cluster, **given}


def _gpu(value: Any) -> Mapping[str, Any]:
    """Return what is asked for of GPUs, of which a number is how many and a text is a resource or a product."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str):
        return {"resourceName" if "/" in value else "product": value}
    return {"count": value}


def _check_fields(cluster: Section) -> None:
    cluster.text("queueName")
    cluster.section("nodeSelector")
    only(cluster.section("gpu"), _GPU)
    only(cluster.section("resources"), _RESOURCES)
    for part in _RESOURCES:
        cluster.section("resources").section(part)
    check_affinity(cluster.section("affinity"))
    for toleration in cluster.sections("tolerations"):
        _check_toleration(toleration)


def _check_toleration(toleration: Section) -> None:
    only(toleration, (*_TOLERATION, "tolerationSeconds"))
    toleration.number("tolerationSeconds")
    for name, allowed in _TOLERATION.items():
        word = toleration.text(name)
        if word and allowed and word not in allowed:
            raise OnGpuError(argument(toleration, name), f"{word} is not one of {', '.join(allowed)}")


def _added(
    given: Mapping[str, Any] | None, present: Mapping[str, Mapping[str, str]], *, field: str
) -> dict[str, dict[str, Any]]:
    """Return what the task says together with what is given, which may say the same and no other."""
    both = {
        part: {name: value for name, value in (values or {}).items() if value is not None}
        for part, values in (given or {}).items()
    }
    for part, values in present.items():
        for name, value in values.items():
            if str(both.setdefault(part, {}).setdefault(name, value)) != str(value):
                where = ".".join(word for word in (field, part, name) if word)
                raise OnGpuError(where, f"{both[part][name]} contradicts {value}, which the task was given before")
    return both
