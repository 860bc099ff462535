"""What complete specs say of themselves."""

from typing import Any

import pytest
from sagebridge.core.resolution import instance_count


@pytest.mark.parametrize(
    ("reason", "resources", "want"),
    [
        ("one kind of instance", {"instanceType": "ml.m5.large", "instanceCount": 3}, 3),
        ("instance groups", {"instanceGroups": [{"instanceCount": 2}, {"instanceCount": 1}]}, 3),
        ("a serverless job", None, None),
    ],
)
def test_how_many_instances(reason: str, resources: dict[str, Any] | None, want: int | None) -> None:
    spec = {"processingResources": {"clusterConfig": resources}}
    assert instance_count(spec, ("processingResources", "clusterConfig")) == want, reason


def test_a_kind_without_instances_of_its_own() -> None:
    assert instance_count({"instanceCount": 3}, ()) is None
