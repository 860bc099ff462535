"""What status records, in words for people."""

import pytest
from sagebridge.core.endpoint.ledger import Revision


@pytest.mark.parametrize(
    ("reason", "types", "want"),
    [
        ("one variant", {"a": "ml.m5.large"}, "ml.m5.large"),
        ("all the same", {"a": "ml.m5.large", "b": "ml.m5.large"}, "ml.m5.large"),
        ("different ones", {"a": "ml.m5.large", "b": "ml.c5.large"}, "a=ml.m5.large, b=ml.c5.large"),
        ("serverless", {"a": ""}, None),
        ("a config of somebody else", {}, None),
    ],
)
def test_instance_types_in_one_line(reason: str, types: dict[str, str], want: str | None) -> None:
    assert Revision(number=1, config_name="c", instance_types=types).instance_line == want, reason
