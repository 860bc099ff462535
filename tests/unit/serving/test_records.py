"""From CreateModel's request to what is served."""

import pytest
from sagebridge_local.serving.records import ModelData, containers_of


@pytest.mark.parametrize(
    ("reason", "model", "want"),
    [
        ("one container", {"PrimaryContainer": {"Image": "i"}}, [("i", "")]),
        ("one container in a list is the primary one", {"Containers": [{"Image": "i"}]}, [("i", "")]),
        (
            "several get names",
            {"Containers": [{"Image": "i"}, {"Image": "j"}]},
            [("i", "container-1"), ("j", "container-2")],
        ),
        (
            "names that were given stay",
            {"Containers": [{"Image": "i", "ContainerHostname": "x"}, {"Image": "j"}]},
            [("i", "x"), ("j", "container-2")],
        ),
    ],
)
def test_containers(reason, model, want):
    assert [(each.image, each.hostname) for each in containers_of(model)] == want, reason


@pytest.mark.parametrize(
    ("kind", "compression", "want"),
    [
        ("S3Object", "Gzip", ModelData(uri="s3://b/k", is_prefix=False, is_archive=True)),
        ("S3Object", "None", ModelData(uri="s3://b/k", is_prefix=False, is_archive=False)),
        ("S3Prefix", "None", ModelData(uri="s3://b/k", is_prefix=True, is_archive=False)),
    ],
)
def test_model_data_sources(kind, compression, want):
    source = {"S3DataSource": {"S3Uri": "s3://b/k", "S3DataType": kind, "CompressionType": compression}}
    container = containers_of({"PrimaryContainer": {"Image": "i", "ModelDataSource": source}})[0]

    assert container.model_data == want
