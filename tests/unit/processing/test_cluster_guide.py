"""The guide of processing on the cluster, and its example: manifests that are taken, and refusals that are told."""

import re
from pathlib import Path

import pytest
import yaml
from botocore.validate import ParamValidator
from sagebridge.core.cluster.processing.refusals import REFUSALS
from sagebridge.core.cluster.processing.request import resolve
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

from tests.unit.processing.jobs import context

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs/cluster/processing.md").read_text()
EXAMPLE = (ROOT / "examples/cluster/processing.yaml").read_text()


@pytest.mark.parametrize(
    "text", [*re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL), EXAMPLE], ids=["guide", "example"]
)
def test_becomes_a_valid_request_in_the_image_of_the_cluster(text: str) -> None:
    [spec] = [item["spec"] for item in yaml.safe_load_all(text) if item["kind"] == "ProcessingJob"]
    given = context(region="us-east-1", source_uri="s3://staging/sourcedir.tar.gz", output_path="s3://staging/out")
    complete = resolve(spec, given)
    cluster = complete.pop("cluster")

    request = to_request("CreateProcessingJob", {**complete, "roleArn": "arn:aws:iam::123456789012:role/none"})

    report = ParamValidator().validate(request, input_shape("CreateProcessingJob"))
    assert not report.has_errors(), report.generate_report()
    assert request["AppSpecification"]["ImageUri"] == cluster["image"] == "python:3.12-slim"


def test_every_refusal_is_told() -> None:
    told = GUIDE[GUIDE.index("Refused, with the reason:") :]
    for refusal in REFUSALS:
        assert f"`{refusal.field.rpartition('.')[2]}" in told
