"""What specs say of themselves."""

from typing import Any

import pytest
from sagebridge.core.resolution import instance_count


@pytest.mark.parametrize(
    ("reason", "resources", "want"),
    [
        ("one kind of instance", {"instanceType": "ml.m5.large", "instanceCount": 3}, 3),
        ("instance groups", {"instanceGroups": [{"instanceCount": 2}, {"instanceCount": 1}]}, 3),
        ("but a type", {"instanceType": "ml.m5.large"}, 1),
        ("a whole number with a point", {"instanceType": "ml.m5.large", "instanceCount": 2.0}, 2),
        ("none, which is refused", {"instanceType": "ml.m5.large", "instanceCount": 0}, 0),
        ("no number", {"instanceType": "ml.m5.large", "instanceCount": True}, 1),
        ("a group without a count", {"instanceGroups": [{"instanceCount": 2}, {}]}, 2),
        ("types to choose from", {"instancePreferences": [{"instanceType": "ml.m5.large", "instanceCount": 2}]}, None),
        ("a serverless job", None, None),
        ("nothing that could be resources", "ml.m5.large", None),
    ],
)
def test_how_many_instances(reason: str, resources: Any, want: int | None) -> None:
    spec = {"processingResources": {"clusterConfig": resources}}
    assert instance_count(spec, ("processingResources", "clusterConfig")) == want, reason


def test_a_kind_without_instances_of_its_own() -> None:
    assert instance_count({"instanceCount": 3}, ()) is None
