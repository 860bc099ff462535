"""Rates of operations and numbers of instances."""

import json

import pytest
from sagebridge_local.sagemaker.quotas import AWS_RATES, Quotas, Rate


async def test_calls_above_the_rate_are_throttled_until_tokens_come_back(make_caller, request_of):
    sagemaker = make_caller(quotas="aws")
    await sagemaker.create("one")
    await sagemaker.create("two")
    error = await sagemaker.refused("CreateTrainingJob", **request_of("three"))
    assert (error.code, error.status, error.message) == ("ThrottlingException", 400, "Rate exceeded")
    sagemaker.advance(0.5)
    await sagemaker.refused("CreateTrainingJob", **request_of("three"))
    sagemaker.advance(0.5)
    await sagemaker.create("three")


async def test_a_call_at_the_rate_is_never_throttled(make_caller):
    sagemaker = make_caller(quotas="aws")
    for number in range(100):
        await sagemaker.create(f"job-{number}")
        sagemaker.advance(1)


async def test_a_throttled_call_does_nothing(make_caller, request_of):
    sagemaker = make_caller(quotas="aws")
    for number in range(2):
        await sagemaker.create(f"job-{number}")
    await sagemaker.refused("CreateTrainingJob", **request_of("throttled"))
    assert (await sagemaker.refused("DescribeTrainingJob", TrainingJobName="throttled")).code == "ValidationException"


async def test_operations_accounts_and_regions_have_buckets_of_their_own(make_caller):
    sagemaker = make_caller(quotas="aws")
    for _ in range(4):
        await sagemaker("ListTrainingJobs")
    assert (await sagemaker.refused("ListTrainingJobs")).code == "ThrottlingException"
    await sagemaker.create("job")
    sagemaker.region = "eu-west-1"
    await sagemaker("ListTrainingJobs")


async def test_without_quotas_nothing_is_throttled(sagemaker):
    for _ in range(500):
        await sagemaker("ListTrainingJobs")


def test_aws_rates_of_the_published_operations():
    assert AWS_RATES["CreateTrainingJob"].per_second == 1
    assert AWS_RATES["ListTrainingJobs"].per_second == 2


async def test_a_quota_file(make_caller, tmp_path):
    path = tmp_path / "quotas.json"
    path.write_text(json.dumps({"rates": {"DescribeTrainingJob": [5, 1]}, "instances": {"x": 3}}))
    quotas = Quotas.load(str(path))
    assert quotas.rates == {"DescribeTrainingJob": Rate(5, 1)}
    assert quotas.instances == {"x": 3}


def test_a_quota_file_with_something_else_is_refused():
    with pytest.raises(ValueError, match="not speed"):
        Quotas.parse({"speed": {}})


P3 = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}


async def test_instances_above_the_accounts_limit_are_refused_until_jobs_end(sagemaker, request_of):
    sagemaker.admin("POST", "quotas", instances={"ml.p3.2xlarge for training job usage": 2})
    await sagemaker.create("one", ResourceConfig=P3)
    await sagemaker.create("two", ResourceConfig=P3)
    error = await sagemaker.refused("CreateTrainingJob", **request_of("three", ResourceConfig=P3))
    assert (error.code, error.status) == ("ResourceLimitExceeded", 400)
    assert error.message.startswith(
        "The account-level service limit 'ml.p3.2xlarge for training job usage' is 2 Instances, with current "
        "utilization of 2 Instances and a request delta of 1 Instances. "
    )
    await sagemaker.create("another-type")
    sagemaker.advance(100)
    await sagemaker.create("three", ResourceConfig=P3)


async def test_spot_instances_have_a_limit_of_their_own(sagemaker, request_of):
    sagemaker.admin("POST", "quotas", instances={"ml.p3.2xlarge for spot training job usage": 0})
    await sagemaker.create("on-demand", ResourceConfig=P3)
    condition = {"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 10}
    spot = request_of("spot", ResourceConfig=P3, EnableManagedSpotTraining=True, StoppingCondition=condition)
    assert (await sagemaker.refused("CreateTrainingJob", **spot)).code == "ResourceLimitExceeded"


async def test_instance_groups_count_together(sagemaker, request_of):
    sagemaker.admin("POST", "quotas", instances={"ml.p3.2xlarge for training job usage": 3})
    groups = [
        {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 2, "InstanceGroupName": name} for name in ("one", "two")
    ]
    request = request_of("job", ResourceConfig={"InstanceGroups": groups, "VolumeSizeInGB": 1})
    error = await sagemaker.refused("CreateTrainingJob", **request)
    assert "a request delta of 4 Instances" in error.message
