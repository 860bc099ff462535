"""Jobs that really run, as the service shows them; the runtime's own tests look inside the run."""

import contextlib
import json
import time

import psutil
import pytest
from botocore.exceptions import ClientError
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator
from support.waiting import eventually

COMMANDS = {
    "quick:*": ["/bin/sh", "-c", "echo 'loss=0.25;'; echo model > $SM_MODEL_DIR/model.txt", "sh"],
    "failing:*": ["/bin/sh", "-c", "echo 'it broke' > /dev/stderr; exit 3", "sh"],
    "endless:*": ["/bin/sh", "-c", "while true; do sleep 0.2; done", "sh"],
}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    directory = tmp_path_factory.mktemp("running")
    images = directory / "images.json"
    images.write_text(json.dumps(COMMANDS))
    simulator = Simulator.start(directory / "simulator", arguments=("--images", str(images), "--stop-grace", "1"))
    simulator.make_bucket("training-bucket")
    yield simulator
    simulator.stop(grace=5)


@pytest.fixture
def client(running):
    return running.client("sagemaker")


def image(name):
    return {
        "TrainingImage": f"{name}:1",
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
    }


def until(client, name, *statuses):
    """Describe a job until it is in one of some statuses."""
    while True:
        described = client.describe_training_job(TrainingJobName=name)
        if described["TrainingJobStatus"] in statuses or described["SecondaryStatus"] in statuses:
            return described
        time.sleep(0.05)


def processes(running):
    """The commands of the processes below the server."""
    port = int(running.url.rsplit(":", 1)[1])
    server = next(
        process
        for process in psutil.process_iter()
        if any(each.laddr.port == port and each.status == "LISTEN" for each in _sockets(process))
    )
    return [_command(child) for child in server.children(recursive=True)]


def _command(process):
    with contextlib.suppress(psutil.Error):  # one that has just ended: these jobs begin a sleep after the other
        return " ".join(process.cmdline())
    return ""


def _sockets(process):
    try:
        return process.net_connections("tcp")
    except psutil.Error:
        return []


def test_a_run_completes_with_metrics_and_a_model(running, client, name, training_request):
    client.create_training_job(**training_request(name, AlgorithmSpecification=image("quick")))
    described = until(client, name, "Completed", "Failed")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    (metric,) = described["FinalMetricDataList"]
    assert (metric["MetricName"], round(metric["Value"], 3)) == ("loss", 0.25)
    where = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert where == f"s3://training-bucket/output/{name}/output/model.tar.gz"
    bucket, key = where.removeprefix("s3://").split("/", 1)
    assert running.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert [each["Status"] for each in described["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Training", "Uploading", "Completed")
    ]
    assert described["TrainingStartTime"] <= described["TrainingEndTime"]
    assert "BillableTimeInSeconds" in described


def channel(uri):
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    return {"InputDataConfig": [{"ChannelName": "train", "DataSource": source}]}


@pytest.mark.parametrize("uri", ["s3://training-bucket/nothing-here/", "s3://no-such-bucket/data"])
def test_create_refuses_inputs_that_do_not_exist(client, name, training_request, uri):
    request = training_request(name, AlgorithmSpecification=image("quick"), **channel(uri))
    with pytest.raises(ClientError, match=r"\(ValidationException\)") as caught:
        client.create_training_job(**request)
    bucket = uri.split("/")[2]
    assert caught.value.response["Error"]["Message"] == (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists in '
        "the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "
        f'"arn:aws:iam::123456789012:role/training" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def test_create_accepts_inputs_that_exist(running, client, name, training_request):
    s3 = running.client("s3")
    s3.put_object(Bucket="training-bucket", Key=f"{name}/part-0.csv", Body=b"1,2")
    there = channel(f"s3://training-bucket/{name}/part-")
    client.create_training_job(**training_request(name, AlgorithmSpecification=image("quick"), **there))
    assert until(client, name, "Completed", "Failed")["TrainingJobStatus"] == "Completed"


def test_a_failing_run_says_why(client, name, training_request):
    client.create_training_job(**training_request(name, AlgorithmSpecification=image("failing")))
    described = until(client, name, "Completed", "Failed")
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("AlgorithmError")


def test_a_run_is_stopped_with_its_processes(running, client, name, training_request):
    client.create_training_job(**training_request(name, AlgorithmSpecification=image("endless")))
    until(client, name, "Training")
    client.stop_training_job(TrainingJobName=name)
    assert client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] in {"Stopping", "Stopped"}
    described = until(client, name, "Stopped")
    assert described["SecondaryStatus"] == "Stopped"
    assert not any("while true" in command for command in processes(running))


def test_a_run_that_takes_too_long_is_stopped_by_the_clock(running, client, name, training_request):
    condition = {"MaxRuntimeInSeconds": 1000}
    request = training_request(name, AlgorithmSpecification=image("endless"), StoppingCondition=condition)
    client.create_training_job(**request)
    until(client, name, "Training")
    AdminClient(running.url).advance(2000)
    assert until(client, name, "Stopped", "MaxRuntimeExceeded")["SecondaryStatus"] in {"MaxRuntimeExceeded", "Stopping"}
    assert until(client, name, "Stopped")["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_an_interrupted_spot_run_begins_anew(running, client, name, training_request):
    request = training_request(
        name,
        AlgorithmSpecification=image("endless"),
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 100_000, "MaxWaitTimeInSeconds": 100_000},
    )
    client.create_training_job(**request)
    until(client, name, "Training")
    AdminClient(running.url).interrupt(name, seconds=0.5)

    def stages():
        described = client.describe_training_job(TrainingJobName=name)
        return [each["Status"] for each in described["SecondaryStatusTransitions"]]

    eventually(lambda: stages().count("Training") == 2, what="a second beginning")
    assert "Interrupted" in stages()
    client.stop_training_job(TrainingJobName=name)
    until(client, name, "Stopped")


def test_a_job_of_another_account_runs_with_its_roles_credentials(running, name, training_request):
    import boto3

    issued = running.client("sts").assume_role(
        RoleArn="arn:aws:iam::111122223333:role/team", RoleSessionName="session"
    )["Credentials"]
    keys = {
        "region_name": "us-east-1",
        "endpoint_url": running.url,
        "aws_access_key_id": issued["AccessKeyId"],
        "aws_secret_access_key": issued["SecretAccessKey"],
        "aws_session_token": issued["SessionToken"],
    }
    boto3.client("s3", **keys).create_bucket(Bucket=name)
    other = boto3.client("sagemaker", **keys)
    other.create_training_job(
        **training_request(
            name,
            AlgorithmSpecification=image("quick"),
            RoleArn="arn:aws:iam::111122223333:role/training",
            OutputDataConfig={"S3OutputPath": f"s3://{name}/output"},
        )
    )
    described = until(other, name, "Completed", "Failed")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    streams = boto3.client("logs", **keys).describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name
    )
    assert streams["logStreams"]


def test_the_servers_end_is_the_end_of_its_runs(tmp_path, name, training_request):
    images = tmp_path / "images.json"
    images.write_text(json.dumps({"endless:*": ["/bin/sh", "-c", f"while true; do sleep 0.2; done # {name}", "sh"]}))
    simulator = Simulator.start(tmp_path / "simulator", arguments=("--images", str(images)))
    client = simulator.client("sagemaker")
    simulator.make_bucket("training-bucket")
    client.create_training_job(**training_request(name, AlgorithmSpecification=image("endless")))
    until(client, name, "Training")
    assert any(name in command for command in processes(simulator))
    simulator.stop(grace=20)
    left = [process for process in psutil.process_iter(["cmdline"]) if name in " ".join(process.info["cmdline"] or [])]
    assert left == []
