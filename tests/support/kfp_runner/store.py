"""Artifacts as the store of metadata gives them on: it keeps numbers, texts and objects, and of types only its own.

https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/metadata/converter.go; what the launcher adds to an
artifact's metadata for the user interface (`display_name`, `store_session_info`) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def of_task(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """An output artifact of a task, as the next task gets it."""
    metadata = {name: _kept(value) for name, value in artifact.get("metadata", {}).items()}
    return {**artifact, "type": {"instanceSchema": ""}, "metadata": metadata}


def of_dag(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """An input artifact of a DAG, as a task in it gets it: of no type at all."""
    return {name: value for name, value in artifact.items() if name != "type"}


def _kept(value: Any) -> Any:
    match value:
        case bool():
            return int(value)
        case list():
            return {"list": value}
        case dict():
            return {"struct": value}
    return value
