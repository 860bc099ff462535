"""Changes of an endpoint's status as EventBridge events.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html (endpoint state
change): the status is written like IN_SERVICE there.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import model
from sagebridge_local.sagemaker.endpoints.describe import describe

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint

SOURCE: Final = "aws.sagemaker"
EVENT_TYPE: Final = "SageMaker Endpoint State Change"


def entry(endpoint: Endpoint, at: float) -> dict[str, Any]:
    """The PutEvents entry of an endpoint's present state."""
    times = model.timestamp_members("DescribeEndpoint")
    detail = {name: str(round(value * 1000)) if name in times else value for name, value in describe(endpoint).items()}
    detail["EndpointStatus"] = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", endpoint.status).upper()
    return {
        "Source": SOURCE,
        "DetailType": EVENT_TYPE,
        "Time": at,
        "Resources": [endpoint.arn],
        "Detail": json.dumps(detail | {"Tags": dict(endpoint.tags)}),
    }
