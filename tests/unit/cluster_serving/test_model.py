"""What a pod serves, of a container definition."""

import base64
import json
from typing import Any

import pytest
from sagebridge.core.cluster.serving.document import binary_data, document
from sagebridge.core.cluster.serving.model import Code, ModelFiles
from sagebridge.core.errors import SpecError
from support.served_models import ARCHIVE, CODE, CONTAINER, IMAGE, model

PREFIX = {"s3DataSource": {"s3Uri": "s3://bucket/model/", "s3DataType": "S3Prefix", "compressionType": "None"}}
OBJECT = {"s3DataSource": {"s3Uri": "s3://bucket/model.bin", "s3DataType": "S3Object", "compressionType": "None"}}
GZIP = {"s3DataSource": {"s3Uri": ARCHIVE, "s3DataType": "S3Object", "compressionType": "Gzip"}}


@pytest.mark.parametrize(
    ("reason", "container", "want"),
    [
        ("an archive", CONTAINER, (ModelFiles(uri=ARCHIVE),)),
        ("an image that holds its model", {"image": IMAGE}, ()),
        (
            "files of a prefix",
            {"image": IMAGE, "modelDataSource": PREFIX},
            (ModelFiles(uri="s3://bucket/model/", is_prefix=True, is_archive=False),),
        ),
        (
            "one file",
            {"image": IMAGE, "modelDataSource": OBJECT},
            (ModelFiles(uri="s3://bucket/model.bin", is_archive=False),),
        ),
        ("an archive as a data source", {"image": IMAGE, "modelDataSource": GZIP}, (ModelFiles(uri=ARCHIVE),)),
        (
            "a channel beside the model",
            CONTAINER | {"additionalModelDataSources": [{"channelName": "draft", **PREFIX}]},
            (
                ModelFiles(uri=ARCHIVE),
                ModelFiles(
                    uri="s3://bucket/model/",
                    directory="additional-model-data-sources/draft",
                    is_prefix=True,
                    is_archive=False,
                ),
            ),
        ),
    ],
)
def test_the_files_of_a_model(reason: str, container: dict[str, Any], want: tuple[ModelFiles, ...]) -> None:
    assert model(container).files == want, reason


@pytest.mark.parametrize(
    ("reason", "environment", "code", "want", "uri"),
    [
        ("no code", {"A": "1"}, None, {"A": "1"}, None),
        (
            "the manifest's code, where the toolkit finds it; the manifest's variables win",
            {"SAGEMAKER_CONTAINER_LOG_LEVEL": "10"},
            Code(entry_point="inference.py", uri="s3://bucket/code.tar.gz"),
            {
                "SAGEMAKER_PROGRAM": "inference.py",
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                "SAGEMAKER_CONTAINER_LOG_LEVEL": "10",
                "SAGEMAKER_REGION": "eu-west-1",
            },
            "s3://bucket/code.tar.gz",
        ),
        (
            "the code that the toolkit would fetch is brought instead",
            {"SAGEMAKER_PROGRAM": "train.py", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://bucket/sourcedir.tar.gz"},
            None,
            {"SAGEMAKER_PROGRAM": "train.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"},
            "s3://bucket/sourcedir.tar.gz",
        ),
        (
            "code in the image is left where it is",
            {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/program"},
            None,
            {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/program"},
            None,
        ),
    ],
)
def test_code_and_variables(
    reason: str, environment: dict[str, str], code: Code | None, want: dict[str, str], uri: str | None
) -> None:
    found = model(CONTAINER | {"environment": environment}, code=code)
    assert (found.environment, found.code.uri if found.code else None) == (want, uri), reason


def test_another_image_stands_for_the_containers() -> None:
    assert (model().image, model(image="mirror/serve:1").image) == (IMAGE, "mirror/serve:1")


def test_code_that_no_config_map_can_carry_is_refused() -> None:
    large = Code(entry_point="inference.py", archive=bytes(800_000), digest="abc")
    with pytest.raises(SpecError, match=r"spec\.models\[0\]\.source\.configMap.*source push"):
        model(code=large, field="spec.models[0]")


def test_the_document_of_a_model_with_code_at_hand() -> None:
    served = model(code=CODE)
    told = json.loads(document(served, region="eu-west-1", fetch_seconds=900, volume_size=30))
    assert told == {
        "version": 1,
        "region": "eu-west-1",
        "files": [{"uri": ARCHIVE, "directory": "model", "prefix": False, "archive": True}],
        "code": {"file": "code.tar.gz", "digest": "abc"},
        "fetchSeconds": 900,
        "volumeSizeInGB": 30,
    }
    assert base64.b64decode(binary_data(served)["code.tar.gz"]) == b"a .tar.gz"


def test_the_document_of_a_model_with_code_on_s3_carries_no_archive() -> None:
    served = model(code=Code(entry_point="inference.py", uri="s3://bucket/code.tar.gz"))
    told = json.loads(document(served, region="eu-west-1", fetch_seconds=900))
    assert (told["code"], binary_data(served)) == ({"uri": "s3://bucket/code.tar.gz"}, {})
