"""What a container prefers where the request leaves a choice: its answer to GET /execution-parameters. Pure.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH: Final = "/execution-parameters"
_STRATEGIES: Final = {"MULTI_RECORD": "MultiRecord", "SINGLE_RECORD": "SingleRecord"}
_CONCURRENT: Final = "MaxConcurrentTransforms"
_NUMBERS: Final = (_CONCURRENT, "MaxPayloadInMB")


def preferences(status: int, text: str) -> dict[str, Any]:
    """Members of CreateTransformJob's request; most containers have no preferences."""
    try:
        found = json.loads(text) if status == 200 else {}
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    strategy = _STRATEGIES.get(str(found.get("BatchStrategy")))
    numbers = {name: found[name] for name in _NUMBERS if _is_count(found.get(name))}
    return numbers | ({"BatchStrategy": strategy} if strategy else {})


def completed(request: Mapping[str, Any], preferred: Mapping[str, Any]) -> dict[str, Any]:
    """The request of CreateTransformJob, where it leaves a choice with what the container prefers.

    MaxConcurrentTransforms of 0 leaves it, too.
    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
    """
    given = {key: value for key, value in request.items() if key != _CONCURRENT or value}
    return {**preferred, **given}


def _is_count(value: Any) -> bool:
    """Whatever a container answers: neither a truth value nor less than nothing."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
