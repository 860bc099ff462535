"""Which inputs and outputs of a processing job are ours to bring and to take, and where they are."""

from pathlib import Path
from typing import Any, cast

import pytest
from sagebridge.core.container.layout import Layout
from sagebridge.runtime import processing
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share
from sagebridge.runtime.s3 import S3Location, Storage

LAYOUT = Layout(base="/pod/ml")
NO_STORAGE = cast("Storage", None)


def output(name: str, **members: Any) -> dict[str, Any]:
    s3 = {"S3Uri": f"s3://b/{name}", "LocalPath": f"/opt/ml/processing/{name}", "S3UploadMode": "EndOfJob"}
    return {"OutputName": name, "S3Output": s3, **members}


@pytest.mark.parametrize("path", ["/opt/ml/model", "/opt/ml/processing/../model", "/opt/ml/processingx", "processing"])
def test_a_place_outside_is_refused(path: str) -> None:
    with pytest.raises(RunFailedError) as raised:
        processing.local(path, LAYOUT)
    assert raised.value.reason == f"ClientError: {path} is not below /opt/ml/processing"


@pytest.mark.parametrize("path", ["/opt/ml/processing", "/opt/ml/processing/a/b"])
def test_a_place_inside(path: str) -> None:
    assert processing.local(path, LAYOUT) == Path(path.replace("/opt/ml", "/pod/ml"))


def test_an_input_is_a_channel_at_its_place() -> None:
    s3 = {"S3Uri": "s3://b/d/", "LocalPath": "/opt/ml/processing/deep/data/", "S3DataType": "ManifestFile"}
    found = processing.source(s3, layout=LAYOUT, share=Share(), storage=NO_STORAGE, acts_as="role", region="us-west-2")
    assert (found.directory / found.name, found.input_mode) == (Path("/pod/ml/processing/deep/data"), "File")
    assert found.s3 == {"S3Uri": "s3://b/d/", "S3DataType": "ManifestFile"}


def test_what_the_container_manages_is_not_ours() -> None:
    own, theirs = {"InputName": "own", "S3Input": {}}, {"InputName": "theirs", "AppManaged": True}
    features = {"OutputName": "features", "FeatureStoreOutput": {}, "AppManaged": True}
    config = {"Outputs": [output("a"), output("b", AppManaged=True), features]}
    request = {"ProcessingInputs": [own, theirs], "ProcessingOutputConfig": config}
    assert processing.inputs(request) == [own]
    found = processing.outputs(request, layout=LAYOUT, storage=NO_STORAGE)
    assert [each.name for each in found] == ["a"]
    assert found[0].directory == Path("/pod/ml/processing/a")
    assert found[0].location == S3Location(bucket="b", key="a")


def test_a_job_without_any() -> None:
    assert processing.inputs({}) == []
    assert processing.outputs({}, layout=LAYOUT, storage=NO_STORAGE) == []
