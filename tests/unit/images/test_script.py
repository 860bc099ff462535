"""Which container needs a script of its user's to serve at all."""

from typing import Any

import pytest
from sagebridge.core.images.script import lacks_script

NAMED = {"SAGEMAKER_PROGRAM": "inference.py"}
TAG = "sagemaker-scikit-learn:1.2-1-cpu-py3"


@pytest.mark.parametrize(
    ("what", "environment", "want", "reason"),
    [
        ({"framework": "sklearn"}, {}, True, "it has no model_fn of its own"),
        ({"framework": "Scikit_Learn"}, {"WORKERS": "2"}, True, "however it is spelt"),
        ({"framework": "sklearn"}, NAMED, False, "the model's archive may have the script"),
        ({"framework": "xgboost"}, {}, False, "it loads a model by itself"),
        ({"image": f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{TAG}"}, {}, True, "AWS's image"),
        ({"image": f"683313688378.dkr.ecr.us-east-1.amazonaws.com/{TAG}"}, NAMED, False, "AWS's image with a script"),
        ({"image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{TAG}"}, {}, False, "one's own may name a script"),
        ({"image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"}, {}, False, "another one"),
        (
            {"image": f"683313688378.dkr.ecr-fips.us-east-1.amazonaws.com/{TAG}"},
            {},
            True,
            "at another address of ECR's",
        ),
        ({"image": f"683313688378.dkr.ecr.us-east-1.amazonaws.com/mirror/{TAG}"}, {}, False, "another repository"),
        ({"image": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn-x:1"}, {}, False, "and again"),
        ({}, {}, False, "nothing is known of it"),
    ],
)
def test_what_needs_a_script(what: dict[str, Any], environment: dict[str, str], want: bool, reason: str) -> None:
    assert lacks_script(environment, **what) is want, reason
