"""A job's life through boto3, and through its paginators and waiters."""

from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError


def test_a_job_from_create_to_delete(client, admin, name, training_request):
    arn = client.create_training_job(**training_request(name, Tags=[{"Key": "a", "Value": "b"}]))["TrainingJobArn"]
    described = client.describe_training_job(TrainingJobName=name)
    assert described["TrainingJobStatus"] == "InProgress"
    assert isinstance(described["CreationTime"], datetime)
    admin.advance(100)
    client.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name)
    described = client.describe_training_job(TrainingJobName=name)
    assert described["TrainingJobStatus"] == "Completed"
    assert described["SecondaryStatusTransitions"][-1]["Status"] == "Completed"
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "c", "Value": "d"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    client.delete_training_job(TrainingJobName=name)
    with pytest.raises(ClientError, match="Requested resource not found"):
        client.describe_training_job(TrainingJobName=name)


def test_a_job_is_stopped(client, admin, name, training_request):
    client.create_training_job(**training_request(name))
    client.stop_training_job(TrainingJobName=name)
    admin.advance(10)
    assert client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped"


def test_a_paginator_walks_the_history(client, admin):
    admin.seed(250, prefix="paged")
    pages = list(client.get_paginator("list_training_jobs").paginate(NameContains="paged", MaxResults=100))
    assert sum(len(page["TrainingJobSummaries"]) for page in pages) == 250


def test_creation_times_bound_a_list(client, admin, name, training_request):
    before = datetime.fromtimestamp(admin.advance(10) - 2, tz=UTC)
    client.create_training_job(**training_request(name))
    reply = client.list_training_jobs(CreationTimeAfter=before, MaxResults=100)
    assert [each["TrainingJobName"] for each in reply["TrainingJobSummaries"]] == [name]


def test_modelled_errors_are_exceptions_of_their_own(client, name, training_request):
    client.create_training_job(**training_request(name))
    with pytest.raises(client.exceptions.ResourceInUse) as caught:
        client.create_training_job(**training_request(name))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["ResponseMetadata"]["RequestId"]


def test_the_admin_client_scripts_and_counts(client, admin, name, training_request):
    admin.outcome(name, outcome="Failed", failure_reason="AlgorithmError: exit code 1")
    client.create_training_job(**training_request(name))
    admin.advance(100)
    client.describe_training_job(TrainingJobName=name)
    assert admin.count("CreateTrainingJob", name=name) == 1
    assert admin.count("DescribeTrainingJob", outcome="OK") == 1
    assert [each["operation"] for each in admin.log(limit=2)] == ["CreateTrainingJob", "DescribeTrainingJob"]
    job = next(each for each in admin.jobs() if each["name"] == name)
    assert (job["status"], job["failureReason"]) == ("Failed", "AlgorithmError: exit code 1")
    assert admin.health()["mode"] == "lifecycle-only"
