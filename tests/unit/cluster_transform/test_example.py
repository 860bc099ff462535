"""The example's manifest, as it stands."""

from pathlib import Path

import yaml
from botocore.validate import ParamValidator
from sagebridge.schema.model import input_shape
from support.cluster_transforms import transform_work

EXAMPLE = Path(__file__).parents[3] / "examples" / "cluster" / "transform.yaml"


def test_the_example_becomes_a_valid_request() -> None:
    work = transform_work(yaml.safe_load(EXAMPLE.read_text())["spec"])

    # On the cluster there is no model in SageMaker to be named.
    request = {"ModelName": "none", **work.request}
    report = ParamValidator().validate(request, input_shape("CreateTransformJob"))
    assert not report.has_errors(), report.generate_report()
    assert work.size == 2
