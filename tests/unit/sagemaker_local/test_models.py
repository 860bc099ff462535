"""CreateModel, DescribeModel, ListModels, DeleteModel."""

import pytest

IMAGE = {"Image": "image:1"}


async def test_describe_gives_the_request_back_without_its_tags(host, sagemaker, start):
    arn = await host.model(Tags=[{"Key": "team", "Value": "a"}])

    described = await sagemaker("DescribeModel", ModelName="m1")

    assert described == {
        "ModelName": "m1",
        "ModelArn": arn,
        "PrimaryContainer": {"Image": "image:1", "ModelDataUrl": "s3://bucket/model.tar.gz", "Mode": "SingleModel"},
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/serving",
        "CreationTime": start,
        "EnableNetworkIsolation": False,
    }
    assert (await sagemaker("ListTags", ResourceArn=arn))["Tags"] == [{"Key": "team", "Value": "a"}]


async def test_a_name_that_is_taken(host):
    arn = await host.model()

    error = await host.call.refused("CreateModel", ModelName="m1", PrimaryContainer=IMAGE)

    assert (error.code, error.message) == ("ValidationException", f'Cannot create already existing model "{arn}".')


@pytest.mark.parametrize("operation", ["DescribeModel", "DeleteModel"])
async def test_a_name_that_does_not_exist(sagemaker, operation):
    error = await sagemaker.refused(operation, ModelName="None")

    arn = "arn:aws:sagemaker:us-east-1:123456789012:model/none"
    assert (error.code, error.message) == ("ValidationException", f'Could not find model "{arn}".')


@pytest.mark.parametrize(
    ("reason", "members", "want"),
    [
        ("neither", {"PrimaryContainer": None}, "Exactly one of PrimaryContainer and Containers"),
        ("both", {"Containers": [IMAGE]}, "Exactly one of PrimaryContainer and Containers"),
        ("no image", {"PrimaryContainer": {"ModelDataUrl": "s3://b/k"}}, "needs an Image or a ModelPackageName"),
        ("a role of others", {"ExecutionRoleArn": "arn:aws:iam::999999999999:role/x"}, "Cross-account pass role"),
        ("many models nowhere", {"PrimaryContainer": {**IMAGE, "Mode": "MultiModel"}}, "needs ModelDataUrl"),
        (
            "names twice",
            {"PrimaryContainer": None, "Containers": [{**IMAGE, "ContainerHostname": "a"}] * 2},
            "unique ContainerHostname",
        ),
        (
            "direct without names",
            {"PrimaryContainer": None, "Containers": [IMAGE] * 2, "InferenceExecutionConfig": {"Mode": "Direct"}},
            "needs a ContainerHostname",
        ),
        (
            "sixteen containers",
            {"PrimaryContainer": None, "Containers": [IMAGE] * 16},
            "length less than or equal to 15",
        ),
    ],
)
async def test_create_refuses_what_does_not_fit_together(host, reason, members, want):
    request = {"ModelName": "m1", "PrimaryContainer": IMAGE} | members

    error = await host.call.refused("CreateModel", **{name: value for name, value in request.items() if value})

    assert error.code == "ValidationException"
    assert want in error.message, reason


async def test_list_filters_before_it_makes_pages(host, sagemaker):
    for name in ("a-1", "b-1", "a-2"):
        await host.model(name)
        sagemaker.advance(1)

    first = await sagemaker("ListModels", NameContains="a-", MaxResults=1)
    second = await sagemaker("ListModels", NameContains="a-", MaxResults=1, NextToken=first["NextToken"])

    assert [page["Models"][0]["ModelName"] for page in (first, second)] == ["a-2", "a-1"]
    assert "NextToken" not in second


async def test_a_deleted_models_name_is_free_and_its_endpoint_goes_on(host, sagemaker):
    await host.serving()

    await sagemaker("DeleteModel", ModelName="m1")

    assert await host.status() == "InService"
    assert (await host.invoke()).status == 200
    await host.model()
