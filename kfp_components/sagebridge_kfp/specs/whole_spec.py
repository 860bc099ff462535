"""What all specs have in common, and the last look at each before it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Common
from sagebridge_kfp.specs.names import check_name
from sagebridge_kfp.specs.origins import Origin, input_of, origins
from sagebridge_kfp.specs.overrides import merge
from sagebridge_kfp.specs.placeholders import unfilled
from sagebridge_kfp.specs.schema import problems
from sagebridge_kfp.specs.values import given, text, whole

_COMMON: Final = origins(
    role_arn="roleArn",
    region="region",
    target="target",
    cluster="cluster",
    tags="tags",
    deletion_policy="runPolicy.deletionPolicy",
    retry_limit="runPolicy.retry.limit",
)


def finish(
    kind: str,
    spec: Mapping[str, Any],
    common: Common,
    *,
    made_of: Sequence[Origin],
    name: str = "",
    retry_limit: int = 0,
) -> dict[str, Any]:
    """Return the whole spec: with what all kinds have, the overrides merged last, and its shape checked.

    Args:
        kind: of the object.
        spec: its own fields; those that say nothing are left out.
        common: what all kinds have.
        made_of: the inputs that the spec's own fields were made of.
        name: what the object's name begins with, or is; empty if the pipeline leaves it open.
        retry_limit: how many attempts may follow a failed one.

    Raises:
        InputError: an input is wrong; names it.
    """
    if name:
        check_name(name)
    _check_target(common)
    base = given({**_common(common, retry_limit), **spec})
    overrides = whole(common.spec_overrides)
    complete: dict[str, Any] = whole(merge(base, overrides))
    wrong = [
        InputError(_named(path, complete, made_of=(*_COMMON, *made_of), base=base, overrides=overrides), message)
        for path, message in (*unfilled(complete), *problems(kind, complete))
    ]
    if wrong:
        raise InputError(wrong[0].field, wrong[0].message, others=wrong[1:])
    return complete


def _named(
    path: tuple[str, ...],
    spec: Mapping[str, Any],
    *,
    made_of: Sequence[Origin],
    base: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> str:
    """What a field is called where it is refused: the input that it was made of, or where it is in the spec."""
    parent = path[:-1]
    # What is missing in an object that the overrides alone have brought, too.
    if _is_in(path, overrides) or (_is_in(parent, overrides) and not _is_in(parent, base)):
        return ".".join(("spec_overrides", *path))
    return input_of(made_of, path, spec) or ".".join(("spec", *path))


def _check_target(common: Common) -> None:
    if common.target not in {"", "SageMaker", "Cluster"}:
        raise InputError("target", f"must be SageMaker or Cluster, and is {common.target!r}")
    if common.cluster and common.target != "Cluster":
        raise InputError("cluster", 'goes with target="Cluster": set target, or leave cluster out')


def _common(common: Common, retry_limit: int) -> dict[str, Any]:
    if retry_limit < 0:
        raise InputError("retry_limit", f"must be 0 or more, and is {retry_limit}")
    retry = {"limit": retry_limit} if retry_limit else {}
    return {
        "target": common.target,
        "region": common.region,
        "roleArn": common.role_arn,
        "cluster": dict(common.cluster),
        "tags": [{"key": key, "value": text(value, f"tags.{key}")} for key, value in common.tags.items()],
        "runPolicy": given({"deletionPolicy": common.deletion_policy, "retry": retry}),
    }


def _is_in(path: tuple[str, ...], overrides: Any) -> bool:
    """Say whether the overrides brought what is at a path."""
    for name in path:
        if not isinstance(overrides, Mapping):
            return True
        if name not in overrides:
            return False
        overrides = overrides[name]
    return True
