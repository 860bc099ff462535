"""What a ProcessingJob can go through. What every kind of job does alike is in `training_jobs`; here is each step again
that rests on what this kind declares: its operations, its statuses, its code, its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import Scenario

from scenarios.jobs import Code, JobScenarios

PROCESSING_JOB = Kind(name="ProcessingJob", plural="processingjobs")
CREATE, STOP, DELETE = "CreateProcessingJob", "StopProcessingJob", "DeleteProcessingJob"

SPEC: dict[str, Any] = {
    "appSpecification": {"imageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
    "processingOutputConfig": {"outputs": [{"outputName": "rows"}]},
    "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large"}},
}
_JOB = JobScenarios(
    kind=PROCESSING_JOB,
    title="processing: ",
    spec=SPEC,
    create=CREATE,
    effects=frozenset({CREATE, STOP, DELETE}),
    stages=("Starting", "Downloading", "Processing", "Uploading"),
)
_CODE = Code(instead_of="appSpecification", framework={"name": "sklearn", "version": "1.2-1"}, entry_point="split.py")

SCENARIOS: Sequence[Scenario] = (
    _JOB.scenario("a whole life", _JOB.starts(), _JOB.completes()),
    _JOB.failure("AlgorithmError: , exit code: 1"),
    _JOB.retry(),
    _JOB.suspension(),
    _JOB.changed_tags(),
    _JOB.source(_CODE),
    _JOB.deletion_stop(),
    _JOB.deletion_purge(),
)
