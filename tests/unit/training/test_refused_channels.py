"""The data that it reads is refused."""

import pytest

from tests.unit.training.jobs import algorithm, channel, context, file_system, own_image, script
from tests.unit.training.refusals import Case, check

CASES = [
    Case(
        reason="a channel without a name",
        spec=own_image(inputDataConfig=[{"dataSource": {}}]),
        field="spec.inputDataConfig[0].channelName",
        says="is missing",
    ),
    Case(
        reason="the same name twice",
        spec=own_image(inputDataConfig=[channel("a"), channel("b"), channel("a")]),
        field="spec.inputDataConfig[2].channelName",
        says="used twice",
    ),
    Case(
        reason="a channel without data",
        spec=own_image(inputDataConfig=[{"channelName": "a"}]),
        field="spec.inputDataConfig[0].dataSource",
        says="exactly one of",
    ),
    Case(
        reason="no URI",
        spec=own_image(inputDataConfig=[channel(uri="")]),
        field="spec.inputDataConfig[0].dataSource.s3DataSource.s3Uri",
        says="s3://bucket/prefix",
    ),
    Case(
        reason="an augmented manifest in File mode",
        spec=own_image(
            inputDataConfig=[
                {
                    "channelName": "a",
                    "dataSource": {"s3DataSource": {"s3Uri": "s3://b/m", "s3DataType": "AugmentedManifestFile"}},
                }
            ]
        ),
        field="spec.inputDataConfig[0].dataSource.s3DataSource.s3DataType",
        says="inputMode: Pipe",
    ),
    Case(
        reason="a file system without a VPC",
        spec=own_image(inputDataConfig=[file_system()]),
        field="spec.vpcConfig",
        says="lies in a VPC",
    ),
    Case(
        reason="a file system that is streamed",
        spec=own_image(inputDataConfig=[file_system(inputMode="Pipe")], vpcConfig={"subnets": ["a"]}),
        field="spec.inputDataConfig[0].inputMode",
        says="inputMode: File",
    ),
    Case(
        reason="the code's channel is taken",
        spec=script(enableNetworkIsolation=True, inputDataConfig=[channel("code")]),
        field="spec.inputDataConfig",
        says="another name",
    ),
    Case(
        reason="the model's channel is taken",
        spec=own_image(inputDataConfig=[channel("model")]),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.modelRef",
        says="rename or remove one",
    ),
    Case(
        reason="too many channels",
        spec=own_image(inputDataConfig=[channel(f"c{number}") for number in range(20)]),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.inputDataConfig",
        says="21 channels",
    ),
    Case(
        reason="an algorithm that can't go on training",
        spec=algorithm("kmeans", modelRef={"name": "a"}),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.modelRef",
        says="object-detection",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    check(case)
