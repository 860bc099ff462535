"""Finished jobs of others, so that lists are as long as those of an account that is in use."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, STOPPED, Job, Transition
from sagebridge_local.sagemaker.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.service import LocalSageMaker

RUN_SECONDS: Final = 300.0
_STATUSES: Final = (COMPLETED, COMPLETED, COMPLETED, FAILED, COMPLETED, STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How many jobs, where, and when: `spacing_seconds` apart, the newest `ended_seconds_ago`."""

    count: int
    prefix: str = "history"
    account: str = DEFAULT_ACCOUNT
    region: str = "us-east-1"
    spacing_seconds: float = 60.0
    ended_seconds_ago: float = 3600.0


def seed(service: LocalSageMaker, history: History) -> int:
    """Add finished jobs that nobody created here; names that are taken are left out.

    Returns:
        How many were added.
    """
    table = service.store.table(kind="TrainingJob", account=history.account, region=history.region)
    newest = service.clock.now() - history.ended_seconds_ago - RUN_SECONDS
    statuses = islice(cycle(_STATUSES), history.count)
    jobs = [
        _finished(table, history, number, status, newest - number * history.spacing_seconds)
        for number, status in enumerate(statuses)
        if table.get(f"{history.prefix}-{number:06d}") is None
    ]
    table.extend(jobs)
    return len(jobs)


def _finished(table: JobTable, history: History, number: int, status: str, created: float) -> Job:
    name, ended = f"{history.prefix}-{number:06d}", created + RUN_SECONDS
    return Job(
        name=name,
        arn=f"arn:aws:sagemaker:{history.region}:{history.account}:{table.kind.arn_path}/{name}",
        account=history.account,
        region=history.region,
        request=_request(name, history.account),
        creation_time=created,
        last_modified_time=ended,
        visible_from=created,
        status=status,
        secondary_status=status,
        failure_reason="AlgorithmError: exit code 1" if status == FAILED else None,
        start_time=created + 60,
        end_time=ended,
        transitions=[Transition(status=status, start_time=ended, end_time=ended, message="")],
        foreign=True,
    )


def _request(name: str, account: str) -> Mapping[str, Any]:
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "history", "TrainingInputMode": "File"},
        "RoleArn": f"arn:aws:iam::{account}:role/history",
        "OutputDataConfig": {"S3OutputPath": "s3://history/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    }
