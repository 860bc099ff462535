"""One operator and one local SageMaker a test, in a namespace of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import kubernetes
import pytest
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import OperatorProcess, Simulator

from support.jobs import Jobs

FAST = {
    "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3",
    "SAGEBRIDGE_RECHECK_SECONDS": "2",
    "SAGEBRIDGE_AWS_UNLIMITED": "true",
    "SAGEBRIDGE_LEASE_IDENTITY": "test",
    "SAGEBRIDGE_LOG_LEVEL": "DEBUG",
}


@dataclass(frozen=True, kw_only=True)
class World:
    """All that a test of the operator works with."""

    jobs: Jobs
    aws: AdminClient
    url: str
    namespace: str
    start_operator: Callable[..., OperatorProcess]


@pytest.fixture
def world(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    kube: kubernetes.client.ApiClient,
    namespace: str,
) -> Iterator[World]:
    """A local SageMaker that runs no training, and an operator before it."""
    url = simulator("--lifecycle-only", "--quotas", "off").url

    def start(**environment: Any) -> OperatorProcess:
        return operator(endpoint_url=url, environment=FAST | environment)

    start()
    yield World(jobs=Jobs(kube, namespace), aws=AdminClient(url), url=url, namespace=namespace, start_operator=start)
