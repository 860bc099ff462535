"""All other services are moto, on the same port."""

import io
import json
import secrets

import pytest


@pytest.fixture
def bucket(scripted):
    name = f"bucket-{secrets.token_hex(4)}"
    scripted.client("s3").create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize("key", ["plain", "with space", "ümläut/é", "a+b", "a%2Fb", "deep/er/key.tar.gz"])
def test_objects_of_any_key_come_back(scripted, bucket, key):
    s3 = scripted.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=b"content", Metadata={"kind": "test"})
    reply = s3.get_object(Bucket=bucket, Key=key)
    assert (reply["Body"].read(), reply["Metadata"]) == (b"content", {"kind": "test"})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_large_objects_are_uploaded_in_parts_and_streamed_back(scripted, bucket):
    s3 = scripted.client("s3")
    content = secrets.token_bytes(1024) * 20_000
    s3.upload_fileobj(io.BytesIO(content), bucket, "large")
    into = io.BytesIO()
    s3.download_fileobj(bucket, "large", into)
    assert into.getvalue() == content


def test_a_part_of_an_object(scripted, bucket):
    s3 = scripted.client("s3")
    s3.put_object(Bucket=bucket, Key="key", Body=b"0123456789")
    assert s3.get_object(Bucket=bucket, Key="key", Range="bytes=2-4")["Body"].read() == b"234"


def test_logs(scripted):
    logs = scripted.client("logs")
    group, stream = f"/group-{secrets.token_hex(4)}", "stream"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    from time import time

    now = int(time() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": "a line"}])
    events = logs.get_log_events(logGroupName=group, logStreamName=stream)["events"]
    assert [event["message"] for event in events] == ["a line"]


def test_provisioned_concurrency_is_scaled(scripted):
    scaling = scripted.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/e-{secrets.token_hex(4)}/variant/a",
        "ScalableDimension": "sagemaker:variant:DesiredProvisionedConcurrency",
    }
    metric = {"PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"}
    configuration = {"TargetValue": 0.7, "PredefinedMetricSpecification": metric}
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=10)
    scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )
    [policy] = scaling.describe_scaling_policies(**target)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == configuration
    [found] = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 10)
    scaling.deregister_scalable_target(**target)


def test_sts_and_iam(scripted):
    assert scripted.client("sts").get_caller_identity()["Account"] == "123456789012"
    iam = scripted.client("iam")
    iam.create_role(RoleName="training", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"}))
    assert iam.get_role(RoleName="training")["Role"]["Arn"] == "arn:aws:iam::123456789012:role/training"


def test_the_keys_of_an_assumed_role_act_in_the_roles_account(scripted, client, name, training_request):
    import boto3

    issued = scripted.client("sts").assume_role(
        RoleArn="arn:aws:iam::111122223333:role/team", RoleSessionName="session", ExternalId="external"
    )["Credentials"]
    other = boto3.client(
        "sagemaker",
        endpoint_url=scripted.url,
        region_name="us-east-1",
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    )
    request = training_request(name, RoleArn="arn:aws:iam::111122223333:role/training")
    assert ":111122223333:" in other.create_training_job(**request)["TrainingJobArn"]
    with pytest.raises(client.exceptions.ClientError, match="Requested resource not found"):
        client.describe_training_job(TrainingJobName=name)


def test_state_changes_reach_a_queue_through_a_rule(scripted, client, admin, name, training_request):
    sqs, events = scripted.client("sqs"), scripted.client("events")
    queue = sqs.create_queue(QueueName=f"queue-{name}")["QueueUrl"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobName": [name], "TrainingJobStatus": ["Completed"]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:123456789012:queue-{name}"}])
    client.create_training_job(**training_request(name, Tags=[{"Key": "team", "Value": "vision"}]))
    admin.advance(100)
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    event = json.loads(message["Body"])
    assert event["source"] == "aws.sagemaker"
    assert event["resources"] == [f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"]
    assert event["detail"]["SecondaryStatus"] == "Completed"
    assert event["detail"]["Tags"] == {"team": "vision"}
