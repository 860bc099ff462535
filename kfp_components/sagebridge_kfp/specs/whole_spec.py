"""What all specs have in common, and the last look at each before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Common
from sagebridge_kfp.specs.names import check_name
from sagebridge_kfp.specs.overrides import merge
from sagebridge_kfp.specs.placeholders import check_filled
from sagebridge_kfp.specs.schema import problems
from sagebridge_kfp.specs.values import given, text, whole


def finish(
    kind: str, spec: Mapping[str, Any], common: Common, *, name: str = "", retry_limit: int = 0
) -> dict[str, Any]:
    """Return the whole spec: with what all kinds have, the overrides merged last, and its shape checked.

    Args:
        kind: of the object.
        spec: its own fields; those that say nothing are left out.
        common: what all kinds have.
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
    check_filled(complete)
    for path, message in problems(kind, complete):
        root = "spec_overrides" if _is_in(path, overrides) else "spec"
        raise InputError(".".join((root, *path)), message)
    return complete


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
