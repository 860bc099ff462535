"""Every Prometheus instrument of the operator, declared in one list.

`python -m sagebridge.metrics docs/reference/metrics.md` writes the reference page; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

_CALL_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_WAIT_SECONDS: Final = (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
_LAG_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 12.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0)
_CHANGE_SECONDS: Final = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0)
_RECONCILE_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Instrument:
    """What one metric is called and means.

    Attributes:
        name: as it is scraped, ``_total`` included.
        kind: the Prometheus type.
        description: one or two sentences: the help text, and the row of the reference.
        labels: names of the labels.
        buckets: upper bounds in the metric's unit, of histograms only.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    description: str
    labels: tuple[str, ...] = field(default=())
    buckets: tuple[float, ...] = field(default=())


INSTRUMENTS: Final[dict[str, Instrument]] = {
    "aws_calls": Instrument(
        name="sagebridge_aws_calls_total",
        kind="counter",
        description="Calls to AWS that were made, by operation and outcome: OK, or the error's code.",
        labels=("operation", "code"),
    ),
    "aws_call_seconds": Instrument(
        name="sagebridge_aws_call_seconds",
        kind="histogram",
        description="Seconds from sending a call to AWS to having its reply parsed, without the wait for a token.",
        labels=("operation",),
        buckets=_CALL_SECONDS,
    ),
    "aws_throttles": Instrument(
        name="sagebridge_aws_throttles_total",
        kind="counter",
        description="Calls that AWS refused for their rate.",
        labels=("operation",),
    ),
    "aws_wait_seconds": Instrument(
        name="sagebridge_aws_wait_seconds",
        kind="histogram",
        description="Seconds that calls waited for a token of their operation's bucket.",
        labels=("operation",),
        buckets=_WAIT_SECONDS,
    ),
    "aws_waiting": Instrument(
        name="sagebridge_aws_waiting",
        kind="gauge",
        description="Calls that wait for a token of their operation's bucket, over all accounts and regions.",
        labels=("operation",),
    ),
    "aws_rate_limit": Instrument(
        name="sagebridge_aws_rate_limit",
        kind="gauge",
        description=(
            "Calls a second that the operator allows itself at present, of the operation's most recently used bucket; "
            "+Inf without a limit. Falls when AWS throttles, and recovers."
        ),
        labels=("operation",),
    ),
    "aws_in_flight": Instrument(
        name="sagebridge_aws_in_flight",
        kind="gauge",
        description="Calls to AWS that wait for a thread or for their reply.",
    ),
    "objects": Instrument(
        name="sagebridge_objects",
        kind="gauge",
        description="Objects the operator knows, by kind and state.",
        labels=("kind", "state"),
    ),
    "status_lag_seconds": Instrument(
        name="sagebridge_status_lag_seconds",
        kind="histogram",
        description="Seconds from a change at AWS, as AWS dates it, to its being in the object's status.",
        labels=("kind",),
        buckets=_LAG_SECONDS,
    ),
    "queue_depth": Instrument(
        name="sagebridge_queue_depth",
        kind="gauge",
        description="Objects that are due to be reconciled and are not being reconciled yet.",
    ),
    "reconcile_seconds": Instrument(
        name="sagebridge_reconcile_seconds",
        kind="histogram",
        description="Seconds that one reconcile took, with the AWS calls it made and their waits.",
        labels=("kind",),
        buckets=_RECONCILE_SECONDS,
    ),
    "reconcile_errors": Instrument(
        name="sagebridge_reconcile_errors_total",
        kind="counter",
        description="Reconciles that ended with an error, by the class of the error.",
        labels=("kind", "error"),
    ),
    "poller_last_success": Instrument(
        name="sagebridge_poller_last_success_timestamp_seconds",
        kind="gauge",
        description=(
            "When a sweep last succeeded, in seconds since 1970: of jobs every poll interval, of endpoints at rest "
            "every SAGEBRIDGE_ENDPOINT_SWEEP_SECONDS. Readiness turns red when sweeps fail for long."
        ),
        labels=("kind", "region"),
    ),
    "endpoint_change_seconds": Instrument(
        name="sagebridge_endpoint_change_seconds",
        kind="histogram",
        description=(
            "Seconds from asking SageMaker for a change of an endpoint (Create, Update, or Weights for weights and "
            "counts alone) to its end (Succeeded, or Failed, also when it was rolled back). Not of changes during "
            "which the operator was restarted."
        ),
        labels=("change", "outcome"),
        buckets=_CHANGE_SECONDS,
    ),
    "orphaned": Instrument(
        name="sagebridge_orphaned_total",
        kind="counter",
        description=(
            "Objects released with things left behind in AWS or on the cluster: deleting them failed until the "
            "deletion deadline, or an endpoint without the object's tags uses them."
        ),
        labels=("kind",),
    ),
    "log_streams": Instrument(
        name="sagebridge_log_streams",
        kind="gauge",
        description="Streams of the log service that are open.",
    ),
    "log_lines": Instrument(
        name="sagebridge_log_lines_total",
        kind="counter",
        description="Lines that the log service has sent.",
    ),
    "leader": Instrument(
        name="sagebridge_leader",
        kind="gauge",
        description="1 on the replica that holds the Lease, 0 on the others.",
    ),
}


class Metrics:
    """The instruments, one attribute each; the attribute's name is the key in `INSTRUMENTS`.

    Args:
        registry: where to register; tests and second instances in one process need one of their own.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.registry = registry
        self.aws_calls = self._counter("aws_calls")
        self.aws_call_seconds = self._histogram("aws_call_seconds")
        self.aws_throttles = self._counter("aws_throttles")
        self.aws_wait_seconds = self._histogram("aws_wait_seconds")
        self.aws_waiting = self._gauge("aws_waiting")
        self.aws_rate_limit = self._gauge("aws_rate_limit")
        self.aws_in_flight = self._gauge("aws_in_flight")
        self.objects = self._gauge("objects")
        self.status_lag_seconds = self._histogram("status_lag_seconds")
        self.queue_depth = self._gauge("queue_depth")
        self.reconcile_seconds = self._histogram("reconcile_seconds")
        self.reconcile_errors = self._counter("reconcile_errors")
        self.poller_last_success = self._gauge("poller_last_success")
        self.endpoint_change_seconds = self._histogram("endpoint_change_seconds")
        self.orphaned = self._counter("orphaned")
        self.log_streams = self._gauge("log_streams")
        self.log_lines = self._counter("log_lines")
        self.leader = self._gauge("leader")

    def _counter(self, key: str) -> Counter:
        instrument = INSTRUMENTS[key]
        return Counter(instrument.name, instrument.description, instrument.labels, registry=self.registry)

    def _gauge(self, key: str) -> Gauge:
        instrument = INSTRUMENTS[key]
        return Gauge(instrument.name, instrument.description, instrument.labels, registry=self.registry)

    def _histogram(self, key: str) -> Histogram:
        instrument = INSTRUMENTS[key]
        return Histogram(
            instrument.name,
            instrument.description,
            instrument.labels,
            buckets=instrument.buckets,
            registry=self.registry,
        )


def reference() -> str:
    """The reference page, in Markdown."""
    lines = [
        "# Metrics",
        "",
        "Generated by `python -m sagebridge.metrics docs/reference/metrics.md`; change the code, not this page.",
        "",
        "The operator serves them in Prometheus' text format at `/metrics`.",
        "",
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{item.name}` | {item.kind} | {', '.join(f'`{label}`' for label in item.labels)} | {item.description} |"
        for item in INSTRUMENTS.values()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
