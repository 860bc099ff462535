"""What the cluster's operator was told of its nodes, where pipelines are compiled.

A step asks for as much of a node as a job of the operator's does only where both know the same. The variables are
those of the operator's own settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.placement import PlacementSettings

from sagebridge_kfp.gpu.errors import OnGpuError

MILLICORES: Final = "SAGEBRIDGE_CLUSTER_DAEMONS_MILLICORES"
MEBIBYTES: Final = "SAGEBRIDGE_CLUSTER_DAEMONS_MEBIBYTES"
TOLERATIONS: Final = "SAGEBRIDGE_CLUSTER_TOLERATIONS"


def placement_settings(environment: Mapping[str, str]) -> PlacementSettings:
    """Return the settings that the environment says, the operator's defaults for those that it does not.

    Raises:
        OnGpuError: one is not of its form.
    """
    default = PlacementSettings()
    return PlacementSettings(
        daemons_millicores=_number(environment, MILLICORES, default.daemons_millicores),
        daemons_mebibytes=_number(environment, MEBIBYTES, default.daemons_mebibytes),
        tolerations=_tolerations(environment.get(TOLERATIONS) or "[]"),
    )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isascii() or not text.isdigit():
        raise OnGpuError(name, f"{text} is no whole number")
    return int(text)


def _tolerations(text: str) -> tuple[Mapping[str, Any], ...]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise OnGpuError(TOLERATIONS, f"is no JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise OnGpuError(TOLERATIONS, 'must be a JSON list of tolerations, such as [{"key": "dedicated"}]')
    return tuple(found)
