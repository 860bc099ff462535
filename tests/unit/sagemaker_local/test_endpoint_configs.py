"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

import pytest

PREFIX = "arn:aws:sagemaker:us-east-1:123456789012"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://bucket/out"}}


async def test_describe_gives_the_request_back(host, sagemaker, variant_of, start):
    await host.model()
    arn = await host.config(variants=[variant_of(InitialVariantWeight=None)], DataCaptureConfig=CAPTURE)

    described = await sagemaker("DescribeEndpointConfig", EndpointConfigName="c1")

    assert described["ProductionVariants"] == [variant_of(InitialVariantWeight=1.0)]
    assert (described["EndpointConfigArn"], described["CreationTime"]) == (arn, start)
    assert described["DataCaptureConfig"] == CAPTURE


async def test_a_name_that_is_taken(host, variant_of):
    await host.model()
    arn = await host.config()

    error = await host.call.refused("CreateEndpointConfig", EndpointConfigName="c1", ProductionVariants=[variant_of()])

    want = f'Cannot create already existing endpoint configuration "{arn}".'
    assert (error.code, error.message) == ("ValidationException", want)


async def test_a_name_that_does_not_exist(sagemaker):
    error = await sagemaker.refused("DescribeEndpointConfig", EndpointConfigName="none")

    want = f'Could not find endpoint configuration "{PREFIX}:endpoint-config/none".'
    assert (error.code, error.message) == ("ValidationException", want)


async def test_a_model_that_does_not_exist(host, variant_of):
    error = await host.call.refused("CreateEndpointConfig", EndpointConfigName="c1", ProductionVariants=[variant_of()])

    assert (error.code, error.message) == ("ValidationException", f'Could not find model "{PREFIX}:model/m1".')


@pytest.mark.parametrize(
    ("reason", "variants", "members", "want"),
    [
        ("names twice", [{}, {}], {}, "Variant names must be unique"),
        (
            "no capacity",
            [{"InstanceType": None, "InitialInstanceCount": None}],
            {},
            "needs an InstanceType or a ServerlessConfig",
        ),
        ("no count", [{"InitialInstanceCount": None}], {}, "needs an InitialInstanceCount"),
        (
            "managed scaling of a model",
            [{"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 2}}],
            {},
            "ManagedInstanceScaling is only supported for inference component endpoints.",
        ),
        ("no weight at all", [{"InitialVariantWeight": 0.0}], {}, "weight above 0"),
        ("no model", [{"ModelName": None}], {}, "needs a ModelName"),
        (
            "serverless with instances",
            [{"ServerlessConfig": SERVERLESS}],
            {},
            "is serverless, which excludes InitialInstanceCount, InstanceType",
        ),
        (
            "odd memory",
            [
                {
                    "InstanceType": None,
                    "InitialInstanceCount": None,
                    "ServerlessConfig": {**SERVERLESS, "MemorySizeInMB": 2000},
                }
            ],
            {},
            "must be one of",
        ),
        (
            "provisioned above max",
            [
                {
                    "InstanceType": None,
                    "InitialInstanceCount": None,
                    "ServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 6},
                }
            ],
            {},
            "must not exceed its MaxConcurrency",
        ),
        (
            "serverless with capture",
            [{"InstanceType": None, "InitialInstanceCount": None, "ServerlessConfig": SERVERLESS}],
            {"DataCaptureConfig": CAPTURE},
            "do not support DataCaptureConfig",
        ),
        (
            "two asynchronous ones",
            [{}, {"VariantName": "b"}],
            {"AsyncInferenceConfig": ASYNC},
            "one production variant only",
        ),
        (
            "shadow of two",
            [{}, {"VariantName": "b"}],
            {
                "ShadowProductionVariants": [
                    {"VariantName": "s", "ModelName": "m1", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
                ]
            },
            "exactly one production variant",
        ),
    ],
)
async def test_create_refuses_what_does_not_fit_together(host, variant_of, reason, variants, members, want):
    await host.model()
    wanted = [
        variant_of(**changes) if "VariantName" not in changes else variant_of(changes["VariantName"])
        for changes in variants
    ]

    error = await host.call.refused(
        "CreateEndpointConfig", EndpointConfigName="c1", ProductionVariants=wanted, **members
    )

    assert error.code == "ValidationException"
    assert want in error.message, reason


async def test_variants_for_inference_components_need_no_model(host, variant_of):
    role = "arn:aws:iam::123456789012:role/serving"

    scaling = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}
    wanted = variant_of(ModelName=None, InitialInstanceCount=None, ManagedInstanceScaling=scaling)
    await host.config(variants=[wanted], ExecutionRoleArn=role)
    await host.endpoint()
    host.call.advance(60)

    [shown] = (await host.describe())["ProductionVariants"]
    assert (shown["ManagedInstanceScaling"], shown["CurrentInstanceCount"]) == (scaling, 0)


async def test_a_configuration_in_use_can_be_deleted(host, sagemaker):
    await host.serving()

    await sagemaker("DeleteEndpointConfig", EndpointConfigName="c1")

    assert (await host.describe())["EndpointConfigName"] == "c1"
    assert (await sagemaker("ListEndpointConfigs"))["EndpointConfigs"] == []


async def test_tags(host, sagemaker):
    await host.model()
    arn = await host.config(Tags=[{"Key": "a", "Value": "1"}])
    await sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])

    assert (await sagemaker("ListTags", ResourceArn=arn))["Tags"] == [
        {"Key": "a", "Value": "1"},
        {"Key": "b", "Value": "2"},
    ]
