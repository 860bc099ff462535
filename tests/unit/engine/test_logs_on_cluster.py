"""Where status says that the logs of a job on the cluster are."""

from typing import Any

import pytest
from sagebridge.core.job import Attempt, Job
from sagebridge.engine.attempts import created_fields
from sagebridge.kinds import JOB_KINDS

KINDS = {kind.name: kind for kind in JOB_KINDS}
METADATA = {"uid": "u1", "namespace": "team", "name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("kind", "logs"),
    [
        ("TrainingJob", {"podSelector": "sagebridge.io/uid=u1,sagebridge.io/attempt=1", "container": "train"}),
        ("ProcessingJob", {"podSelector": "sagebridge.io/uid=u1,sagebridge.io/attempt=1", "container": "process"}),
        ("BatchTransform", {"podSelector": "sagebridge.io/uid=u1,sagebridge.io/attempt=1", "container": "serve"}),
        ("HPTuningJob", None),
    ],
)
def test_logs_are_those_of_its_own_pods(kind: str, logs: dict[str, Any] | None) -> None:
    job = Job.parse({"metadata": METADATA, "spec": {"target": "Cluster"}})
    assert created_fields(KINDS[kind], job, Attempt(number=1))["logs"] == logs
    served = created_fields(KINDS[kind], job, Attempt(number=1), log_service={"url": "https://x"})["logs"]
    assert served == (logs and logs | {"service": {"url": "https://x"}})
