"""What SageMaker measures of each invocation.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html; of asynchronous and serverless
endpoints https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-monitoring.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sagebridge_local.sagemaker.cloudwatch.metrics import Metric

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.cloudwatch.metrics import Metrics
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Variant

NAMESPACE: Final = "AWS/SageMaker"
INVOCATIONS: Final = "Invocations"
PER_INSTANCE: Final = "InvocationsPerInstance"
CLIENT_ERRORS: Final = "Invocation4XXErrors"
SERVER_ERRORS: Final = "Invocation5XXErrors"
MODEL_ERRORS: Final = "InvocationModelErrors"
MODEL_LATENCY: Final = "ModelLatency"
OVERHEAD_LATENCY: Final = "OverheadLatency"
_MICROSECONDS: Final = "Microseconds"
_LATENCIES: Final = frozenset({MODEL_LATENCY, OVERHEAD_LATENCY})
_NOT_OF_ASYNC: Final = frozenset({INVOCATIONS, PER_INSTANCE, OVERHEAD_LATENCY})


def note(
    metrics: Metrics,
    endpoint: Endpoint,
    variant: Variant,
    *,
    status: int,
    model_seconds: float,
    overhead_seconds: float | None,
    at: float,
    is_async: bool = False,
) -> None:
    """Measure one invocation.

    Args:
        metrics: Where to.
        endpoint: The endpoint.
        variant: The variant that was asked.
        status: What the model answered; 0 for no answer at all.
        model_seconds: How long it took.
        overhead_seconds: How long all else took; None while that is not known.
        at: When, in seconds since the epoch.
        is_async: Whether it was an asynchronous invocation, of which less is published.
    """
    place = (endpoint.account, endpoint.region)
    values = {
        INVOCATIONS: 1.0,
        CLIENT_ERRORS: float(400 <= status < 500),
        # A model that does not answer counts as a server's error.
        SERVER_ERRORS: float(status >= 500 or status == 0),
        MODEL_ERRORS: float(not 200 <= status < 300),
        MODEL_LATENCY: model_seconds * 1e6,
    }
    if variant.count:
        values[PER_INSTANCE] = 1.0 / variant.count
    if overhead_seconds is not None:
        values[OVERHEAD_LATENCY] = overhead_seconds * 1e6
    for name, value in values.items():
        if not (is_async and name in _NOT_OF_ASYNC):
            metrics.record(place, identity(name, endpoint.name, variant.name), value, at=at)


@lru_cache(maxsize=4096)
def identity(name: str, endpoint: str, variant: str) -> Metric:
    """The metric of a variant."""
    dimensions = frozenset({("EndpointName", endpoint), ("VariantName", variant)})
    return Metric(NAMESPACE, name, dimensions, _MICROSECONDS if name in _LATENCIES else "None")
