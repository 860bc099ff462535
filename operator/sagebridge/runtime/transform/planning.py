"""The plan of a run: a request, where it leaves a choice with what the container prefers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.transform import parameters
from sagebridge.runtime.transform.jsonpath import JsonPathError
from sagebridge.runtime.transform.plan import TransformPlan


def planned(request: Mapping[str, Any], preferences: Mapping[str, Any]) -> TransformPlan:
    """How this run transforms.

    Args:
        request: CreateTransformJob's.
        preferences: what the container has said at its execution parameters; empty before it was asked.

    Raises:
        RunFailedError: a filter is none.
    """
    try:
        return TransformPlan.of(parameters.completed(request, preferences), stamp=_stamp)
    except JsonPathError as error:
        raise RunFailedError.client(str(error)) from error


def _stamp() -> tuple[str, str]:
    return str(uuid.uuid4()), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
