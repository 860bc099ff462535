"""Where our measurements and moto's CloudWatch meet: ours are shown there, and alarms are read and set."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.cloudwatch.metrics import Metric, Tally
from sagebridge_local.sagemaker.moto_modules import loaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sagebridge_local.sagemaker.cloudwatch.metrics import Metrics, Place

_published: Final[list[Metrics]] = []
_providers: Final[list[type]] = []


def publish(metrics: Metrics) -> None:
    """Let moto's CloudWatch show measurements from now on, those of the past too. Imports moto."""
    from moto.cloudwatch.responses import CloudWatchResponse
    from moto.core.common_models import CloudWatchMetricProvider

    responses: Any = CloudWatchResponse
    if not hasattr(responses, "put_composite_alarm"):
        # moto keeps a composite alarm's rule, and takes it in PutMetricAlarm only.
        responses.put_composite_alarm = responses.put_metric_alarm

    class EndpointMetrics(CloudWatchMetricProvider):
        """moto asks each of its base's subclasses whenever metrics are asked for."""

        @staticmethod
        def get_cloudwatch_metrics(account_id: str, region: str) -> list[Any]:
            """Every minute of every metric, as moto keeps statistic sets."""
            return [datum for each in _published for datum in _data(each, (account_id, region))]

    if not _providers:
        _providers.append(EndpointMetrics)
    _published.append(metrics)


def withdraw(metrics: Metrics) -> None:
    """Show them no more."""
    if metrics in _published:
        _published.remove(metrics)


def backend(place: Place) -> Any:
    """Moto's CloudWatch of an account and region; None unless it was used."""
    models = loaded("moto.cloudwatch.models")
    account, region = place
    return None if models is None else models.cloudwatch_backends[account][region]


def users_data(cloudwatch: Any, metric: Metric) -> Iterator[tuple[float, Tally]]:
    """What PutMetricData put under a metric: when, and what."""
    for datum in list(cloudwatch.metric_data):
        if datum.namespace == metric.namespace and datum.name == metric.name:
            names = frozenset((dimension.name, dimension.value) for dimension in datum.dimensions)
            if names == metric.dimensions and metric.unit in (None, datum.unit):
                yield _seconds(datum.timestamp), _tally(datum)


def _data(metrics: Metrics, place: Place) -> Iterator[Any]:
    from moto.cloudwatch.models import MetricAggregatedDatum

    for metric, start, tally in metrics.everything(place):
        yield MetricAggregatedDatum(
            namespace=metric.namespace,
            name=metric.name,
            min_stat=tally.least,
            max_stat=tally.most,
            sample_count=tally.count,
            sum_stat=tally.total,
            dimensions=[{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)],
            # moto compares times without a zone.
            timestamp=datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
            unit=metric.unit,
        )


def _tally(datum: Any) -> Tally:
    if hasattr(datum, "sample_count"):
        return Tally(count=datum.sample_count, total=datum.sum, least=datum.min, most=datum.max)
    tally = Tally()
    tally.add(datum.value)
    return tally


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
