"""From the spec of a ProcessingJob with target: Cluster to the complete one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core import processing
from sagebridge.core.cluster.environment import told_apart
from sagebridge.core.cluster.processing import refusals
from sagebridge.core.resolution import with_value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.resolution import ResolveContext

OUTPUTS: Final = "outputs"
"""Where ``cluster`` of a complete spec has ``processingOutputConfig``, as the status is to show it."""

_ABOVE: Final = frozenset({"target", "cluster"})


def resolve(spec: Mapping[str, Any], context: ResolveContext) -> dict[str, Any]:
    """The complete request of CreateProcessingJob in lowerCamelCase, and what is needed beside it under ``cluster``.

    Beside the manifest's own fields, ``cluster`` then has in ``secrets`` the ``environmentFrom`` that only a pod can
    read, and in ``outputs`` what becomes ``status.processingOutputConfig``.

    Raises:
        SpecError: names the field, and says what to do.
    """
    refusals.check(spec)
    cluster = spec.get("cluster") or {}
    plain, secrets = told_apart({key: value for key, value in spec.items() if key not in _ABOVE})
    request = processing.resolve(plain, context)
    # The pods act as their service account.
    request.pop("roleArn", None)
    if cluster.get("image"):
        request = with_value_at(request, ("appSpecification", "imageUri"), cluster["image"])
    beside = {"secrets": secrets, OUTPUTS: request.get("processingOutputConfig") or {}}
    return {**request, "cluster": {**cluster, **beside}}
