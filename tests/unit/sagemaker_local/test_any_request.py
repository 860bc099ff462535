"""No request brings the service down: whatever comes is answered, or refused with an error of AWS's."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge_local.sagemaker import model

CODES = {
    "ValidationException",
    "SerializationException",
    "ResourceInUse",
    "ResourceLimitExceeded",
    "UnknownOperationException",
}
SERVED = (
    *("CreateTrainingJob", "DescribeTrainingJob", "ListTrainingJobs", "StopTrainingJob", "DeleteTrainingJob"),
    *("UpdateTrainingJob", "AddTags", "ListTags", "DeleteTags"),
)
HOSTING = (
    *(f"{verb}{kind}" for kind in ("Model", "EndpointConfig", "Endpoint") for verb in ("Create", "Describe", "Delete")),
    *("ListModels", "ListEndpointConfigs", "ListEndpoints", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities"),
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=local/20270115/us-east-1/sagemaker/aws4_request"


def likely(shape, depth=0):
    """Values of a shape that are mostly right, so that they get past the first check."""
    if shape.enum if shape.type_name == "string" else False:
        return st.sampled_from(shape.enum)
    arn = st.just("arn:aws:sagemaker:us-east-1:123456789012:training-job/job")
    makers = {
        "string": lambda: st.just("job") | st.just("s3://bucket/x") | arn | st.text(max_size=5),
        "integer": lambda: st.integers(min_value=0, max_value=100),
        "long": lambda: st.integers(min_value=0, max_value=100),
        "boolean": st.booleans,
        "timestamp": lambda: st.floats(allow_nan=True) | st.integers(min_value=0),
        "list": lambda: st.lists(likely(shape.member, depth + 1), max_size=2),
        "map": lambda: st.dictionaries(st.just("a"), likely(shape.value, depth + 1)),
        "structure": lambda: st.fixed_dictionaries(
            {name: likely(shape.members[name], depth + 1) | values for name in shape.required_members},
            optional={
                name: likely(member, depth + 1) | values
                for name, member in shape.members.items()
                if name not in shape.required_members and depth < 4
            },
        ),
    }
    return makers.get(shape.type_name, lambda: scalars)()


@pytest.mark.parametrize("operation", SERVED)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_any_request_is_answered(sagemaker, operation, data):
    await _answer_any(sagemaker, operation, data)


@pytest.mark.parametrize("operation", HOSTING)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_any_request_for_models_and_endpoints_is_answered(sagemaker, operation, data):
    await _answer_any(sagemaker, operation, data)


async def _answer_any(sagemaker, operation, data):
    shape = model.service_model().operation_model(operation).input_shape
    request = data.draw(likely(shape))
    answer = await sagemaker.service.answer(
        operation=operation, body=json.dumps(request).encode(), authorization=AUTHORIZATION
    )
    reply = json.loads(answer.reply.body)
    assert answer.reply.status == 200 or reply["__type"] in CODES
    sagemaker.advance(10)


WHOLE = {
    "TrainingJobName": "job",
    "HyperParameters": {"epochs": "3"},
    "AlgorithmSpecification": {
        "TrainingImage": "image:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
    },
    "RoleArn": "arn:aws:iam::123456789012:role/training",
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data"}},
        }
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
    "ResourceConfig": {
        "InstanceType": "ml.m5.large",
        "InstanceCount": 1,
        "VolumeSizeInGB": 30,
        "KeepAlivePeriodInSeconds": 60,
    },
    "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "Tags": [{"Key": "team", "Value": "vision"}],
    "Environment": {"SAGEBRIDGE_LOCAL_SECONDS": "5"},
    "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"},
    "RetryStrategy": {"MaximumRetryAttempts": 1},
    "ProfilerConfig": {"S3OutputPath": "s3://bucket/profile"},
}


def paths(value, prefix=()):
    """Where the parts of a request are."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*prefix, key)
        yield from paths(inner, (*prefix, key))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.tuples(st.sampled_from(list(paths(WHOLE))), values), max_size=3))
async def test_a_broken_job_is_accepted_or_refused_and_goes_its_way(sagemaker, changes):
    request = json.loads(json.dumps(WHOLE))
    for path, value in changes:
        at = request
        for key in path[:-1]:
            at = at[key] if isinstance(at, dict) and key in at else at[0] if isinstance(at, list) and at else {}
        if isinstance(at, dict):
            at[path[-1]] = value
    answer = await sagemaker.service.answer(
        operation="CreateTrainingJob", body=json.dumps(request).encode(), authorization=AUTHORIZATION
    )
    reply = json.loads(answer.reply.body)
    if answer.reply.status != 200:
        assert reply["__type"] in CODES
        return
    sagemaker.advance(100_000)
    (job,) = (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"]
    assert job["TrainingJobStatus"] in {"Completed", "Failed"}
    assert (await sagemaker.describe(job["TrainingJobName"]))["TrainingJobArn"] == reply["TrainingJobArn"]
    await sagemaker("DeleteTrainingJob", TrainingJobName=job["TrainingJobName"])
