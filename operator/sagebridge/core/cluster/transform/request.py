"""From the spec of a BatchTransform with target: Cluster to the complete one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core import transform
from sagebridge.core.cluster.environment import told_apart
from sagebridge.core.cluster.transform import refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.resolution import ResolveContext

SERVED: Final = "served"
"""Where ``cluster`` of a complete spec has what is served."""

_ABOVE: Final = frozenset({"target", "cluster"})


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """The complete request of CreateTransformJob in lowerCamelCase, and what is needed beside it under ``cluster``.

    Beside the manifest's own fields, ``cluster`` then has in ``secrets`` the ``environmentFrom`` that only a pod can
    read, and in ``served`` the `sagebridge.core.cluster.serving.model.ServedModel` of the context. There is no
    ``modelName``: nothing is made in SageMaker.

    Raises:
        SpecError: names the field, and says what to do.
    """
    refusals.check(spec)
    plain, secrets = told_apart({key: value for key, value in spec.items() if key not in _ABOVE})
    beside = {SERVED: context.served, "secrets": secrets}
    return {**transform.resolve(plain, context), "cluster": {**(spec.get("cluster") or {}), **beside}}
