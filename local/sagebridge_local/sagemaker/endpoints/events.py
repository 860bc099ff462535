"""Changes of an endpoint's status, and stages of its deployments, as EventBridge events.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html (endpoint state
change, endpoint deployment state change): the status is written like IN_SERVICE there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import model
from sagebridge_local.sagemaker.endpoints.describe import describe
from sagebridge_local.sagemaker.events import SOURCE, milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint

STATUS_CHANGE: Final = "SageMaker Endpoint State Change"
DEPLOYMENT_CHANGE: Final = "SageMaker Endpoint Deployment State Change"
_TIMES: Final = frozenset({"CreationTime", "LastModifiedTime", "StartTime"})


def status_change(endpoint: Endpoint, at: float) -> dict[str, Any]:
    """The PutEvents entry of an endpoint's present status."""
    times = model.timestamp_members("DescribeEndpoint")
    detail = {name: milliseconds(value) if name in times else value for name, value in describe(endpoint).items()}
    detail.pop("PendingDeploymentSummary", None)
    return _entry(STATUS_CHANGE, endpoint, at, detail)


def deployment_change(endpoint: Endpoint, at: float) -> dict[str, Any]:
    """The PutEvents entry of the present stage of an endpoint's deployment; its times are numbers."""
    detail = _with_times(describe(endpoint), lambda seconds: round(seconds * 1000))
    return _entry(DEPLOYMENT_CHANGE, endpoint, at, detail)


def _entry(kind: str, endpoint: Endpoint, at: float, detail: dict[str, Any]) -> dict[str, Any]:
    detail["EndpointStatus"] = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", endpoint.status).upper()
    return {
        "Source": SOURCE,
        "DetailType": kind,
        "Time": at,
        "Resources": [endpoint.arn],
        "Detail": json.dumps(detail | {"Tags": dict(endpoint.tags)}),
    }


def _with_times(value: Any, convert: Callable[[float], int]) -> Any:
    if isinstance(value, list):
        return [_with_times(each, convert) for each in value]
    if isinstance(value, dict):
        return {name: convert(each) if name in _TIMES else _with_times(each, convert) for name, each in value.items()}
    return value
