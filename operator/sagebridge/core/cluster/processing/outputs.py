"""Where the outputs of a processing job go, as its Job carries it for whoever observes it."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import writing

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES: Final = MappingProxyType({"outputName": str, "appManaged": bool, "s3Output": dict})


def written(config: Mapping[str, Any]) -> str:
    """The text of an annotation with ``processingOutputConfig``."""
    return json.dumps(config, sort_keys=True)


def read(text: str) -> dict[str, Any]:
    """``processingOutputConfig`` of an annotation.

    Empty if somebody has written something else there: the API server would refuse a status with it, and all the rest.
    """
    found = writing.read(text)
    return found if isinstance(found, dict) and _is_config(found) else {}


def _is_config(found: dict[str, Any]) -> bool:
    outputs = found.get("outputs", [])
    return (
        isinstance(found.get("kmsKeyId", ""), str)
        and isinstance(outputs, list)
        and all(_is_output(one) for one in outputs)
    )


def _is_output(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() <= _TYPES.keys()
        and all(isinstance(value, _TYPES[key]) for key, value in found.items())
        and all(isinstance(value, str) for value in found.get("s3Output", {}).values())
    )
