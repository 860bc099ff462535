"""How often operations may be called, and how many instances jobs may use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.kind import CreateCall


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls a second, and how many may come at once."""

    per_second: float
    burst: float


# Create: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-feature-processor-quotas.html; List:
# https://github.com/aws-solutions/deepracer-on-aws/issues/87. The others' rates, and all bursts, are chosen here.
AWS_RATES: Final[Mapping[str, Rate]] = {
    "CreateTrainingJob": Rate(1, 2),
    "ListTrainingJobs": Rate(2, 4),
    "DescribeTrainingJob": Rate(10, 20),
    "StopTrainingJob": Rate(10, 20),
    "DeleteTrainingJob": Rate(10, 20),
    "UpdateTrainingJob": Rate(10, 20),
    "CreateHyperParameterTuningJob": Rate(1, 2),
    "ListHyperParameterTuningJobs": Rate(2, 4),
    "DescribeHyperParameterTuningJob": Rate(10, 20),
    "ListTrainingJobsForHyperParameterTuningJob": Rate(10, 20),
    "StopHyperParameterTuningJob": Rate(10, 20),
    "DeleteHyperParameterTuningJob": Rate(10, 20),
    "CreateProcessingJob": Rate(1, 2),
    "ListProcessingJobs": Rate(2, 4),
    "DescribeProcessingJob": Rate(10, 20),
    "StopProcessingJob": Rate(10, 20),
    "DeleteProcessingJob": Rate(10, 20),
    "CreateTransformJob": Rate(1, 2),
    "ListTransformJobs": Rate(2, 4),
    "DescribeTransformJob": Rate(10, 20),
    "StopTransformJob": Rate(10, 20),
    **{
        f"{verb}{kind}": Rate(10, 20)
        for kind in ("Model", "EndpointConfig", "Endpoint")
        for verb in ("Create", "Describe", "Delete")
    },
    **{f"List{kind}": Rate(10, 20) for kind in ("Models", "EndpointConfigs", "Endpoints")},
    "UpdateEndpoint": Rate(10, 20),
    "UpdateEndpointWeightsAndCapacities": Rate(10, 20),
    "AddTags": Rate(10, 20),
    "ListTags": Rate(10, 20),
    "DeleteTags": Rate(10, 20),
}


@dataclass(slots=True)
class Bucket:
    """A token bucket."""

    rate: Rate
    tokens: float
    filled_at: float

    def take(self, now: float) -> bool:
        """Take a token if there is one."""
        gained = max(0.0, now - self.filled_at) * self.rate.per_second
        self.tokens = min(self.rate.burst, self.tokens + gained)
        self.filled_at = now
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(slots=True)
class Quotas:
    """The quotas in force: rates by operation, instances by usage such as `ml.m5.xlarge for training job usage`."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    instances: dict[str, int] = field(default_factory=dict)
    _buckets: dict[tuple[str, str, str], Bucket] = field(default_factory=dict)

    def check_rate(self, *, operation: str, account: str, region: str, now: float) -> None:
        """Take a token of the operation's bucket in this account and region.

        Raises:
            ServiceError: ThrottlingException when there is none.
        """
        rate = self.rates.get(operation)
        if rate is None:
            return
        key = (account, region, operation)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate, rate.burst, now)
        if not bucket.take(now):
            raise errors.throttled()

    def check_instances(self, call: CreateCall) -> None:
        """Refuse a job that asks for more instances than the account has left.

        Raises:
            ServiceError: ResourceLimitExceeded.
        """
        if not self.instances:
            return
        usages = call.table.kind.usages
        jobs = call.table.active.values()
        self.check_usage(
            usages(call.request), used=lambda usage: sum(usages(job.request).get(usage, 0) for job in jobs)
        )

    def check_usage(self, asked: Mapping[str, int], *, used: Callable[[str], int]) -> None:
        """Refuse what asks for more of a usage than the account has left.

        Raises:
            ServiceError: ResourceLimitExceeded.
        """
        for usage, delta in asked.items():
            limit = self.instances.get(usage)
            if limit is None:
                continue
            present = used(usage)
            if present + delta > limit:
                raise errors.ServiceError(errors.RESOURCE_LIMIT_EXCEEDED, _limit_text(usage, limit, present, delta))

    @classmethod
    def load(cls, source: str) -> Quotas:
        """Read `aws`, `off`, or a JSON file.

        A file has `rates`: {operation: [calls a second, burst]} and `instances`: {usage: count}.

        Raises:
            ValueError: the file is not of that form.
            OSError: it can't be read.
        """
        if source == "off":
            return cls()
        if source == "aws":
            return cls(rates=AWS_RATES)
        return cls.parse(json.loads(Path(source).read_text()))

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Quotas:
        """Read a file's content; see `load`."""
        unknown = content.keys() - {"rates", "instances"}
        if unknown:
            raise ValueError(f"a quota file has rates and instances, not {', '.join(sorted(unknown))}")
        rates = {name: Rate(float(pair[0]), float(pair[1])) for name, pair in content.get("rates", {}).items()}
        return cls(rates=rates, instances={key: int(value) for key, value in content.get("instances", {}).items()})


def training_usages(request: Mapping[str, Any]) -> dict[str, int]:
    """The instances that a training job counts against each quota."""
    config = request.get("ResourceConfig", {})
    what = "spot training job usage" if request.get("EnableManagedSpotTraining") else "training job usage"
    counted: dict[str, int] = {}
    for group in config.get("InstanceGroups") or ([config] if "InstanceType" in config else []):
        usage = f"{group['InstanceType']} for {what}"
        counted[usage] = counted.get(usage, 0) + group.get("InstanceCount", 0)
    return counted


def _limit_text(usage: str, limit: int, used: int, asked: int) -> str:
    return (
        f"The account-level service limit '{usage}' is {limit} Instances, with current utilization of {used} Instances "
        f"and a request delta of {asked} Instances. Please use AWS Service Quotas to request an increase for this "
        "quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota."
    )
