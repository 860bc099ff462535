"""Endpoints that really answer, called through boto3 as users do."""

import base64
import contextlib
import io
import json
import secrets
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator
from support.waiting import eventually

BUCKET = "serving-bucket"
IMAGE = "246618743249.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ROLE = "arn:aws:iam::123456789012:role/serving"
SAY = """
import time

def model_fn(model_dir):
    return open(model_dir + "/word.txt").read()

def transform_fn(model, body, content_type, accept):
    if body == "break" or model == "broken":
        raise ValueError("no such row")
    if body == "slow":
        time.sleep(1)
    if body == "stream":
        return (piece for piece in (model, "-", "in", "-", "pieces")), "text/plain"
    return f"{model}:{body}", "text/csv"
"""


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@dataclass
class Studio:
    """Makes models that say a word, and endpoints of them, with names of the test's own."""

    simulator: Simulator
    prefix: str

    def __post_init__(self) -> None:
        self.sagemaker = self.simulator.client("sagemaker")
        self.runtime = self.simulator.client("sagemaker-runtime")
        self.s3 = self.simulator.client("s3")
        self.endpoint_name = f"{self.prefix}-endpoint"

    def container(self, word: str, **members: Any) -> dict[str, Any]:
        key = f"{self.prefix}/{word}/model.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=archive({"word.txt": word, "code/inference.py": SAY}))
        return {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/{key}", **members}

    def model(self, word: str, **request: Any) -> str:
        name = f"{self.prefix}-{word}"
        request = request or {"PrimaryContainer": self.container(word)}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **request)
        return name

    def variant(self, word: str, **changes: Any) -> dict[str, Any]:
        """A variant whose model was made by `model`."""
        instances = {} if "ServerlessConfig" in changes else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        return {"VariantName": word, "ModelName": f"{self.prefix}-{word}", **instances, **changes}

    def config(self, name: str, *variants: dict[str, Any], **members: Any) -> str:
        full = f"{self.prefix}-{name}"
        self.sagemaker.create_endpoint_config(EndpointConfigName=full, ProductionVariants=list(variants), **members)
        return full

    def deploy(self, config: str, **members: Any) -> dict[str, Any]:
        self.sagemaker.create_endpoint(EndpointName=self.endpoint_name, EndpointConfigName=config, **members)
        return self.settled()

    def update(self, config: str, **members: Any) -> None:
        self.sagemaker.update_endpoint(EndpointName=self.endpoint_name, EndpointConfigName=config, **members)

    def settled(self) -> dict[str, Any]:
        """Wait until nothing is under way."""

        def look() -> dict[str, Any] | None:
            described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint_name)
            return described if described["EndpointStatus"] in {"InService", "Failed"} else None

        return eventually(look, what="an endpoint that is settled")

    def ask(self, body: bytes | str = "x", **options: Any) -> str:
        given = {"ContentType": "text/csv", **options}
        return self.runtime.invoke_endpoint(EndpointName=self.endpoint_name, Body=body, **given)["Body"].read().decode()

    def object(self, uri: str) -> str:
        """An object's content, once it is there."""
        bucket, key = uri.removeprefix("s3://").split("/", 1)

        def look() -> tuple[str] | None:
            try:
                return (self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode(),)
            except self.s3.exceptions.NoSuchKey:
                return None

        return eventually(look, what=uri)[0]

    def capture(self) -> dict[str, Any]:
        """A DataCaptureConfig that captures all requests and replies, for `captured`."""
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/{self.prefix}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        }

    def captured(self, variant: str) -> dict[str, Any]:
        """What was captured of the only request to a variant, once it is there."""
        prefix = f"{self.prefix}/capture/{self.endpoint_name}/{variant}/"
        found = eventually(
            lambda: self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents"), what="a captured line"
        )
        line: dict[str, Any] = json.loads(self.object(f"s3://{BUCKET}/{found[0]['Key']}"))
        return line


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    simulator = Simulator.start(tmp_path_factory.mktemp("endpoints"))
    simulator.make_bucket(BUCKET)
    yield simulator
    simulator.stop(grace=5)


@pytest.fixture
def studio(running):
    made = Studio(running, f"t{secrets.token_hex(3)}")
    yield made
    made.settled() if made.sagemaker.list_endpoints(NameContains=made.prefix)["Endpoints"] else None
    for endpoint in made.sagemaker.list_endpoints(NameContains=made.prefix)["Endpoints"]:
        made.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])


def test_a_model_answers_behind_an_endpoint(studio):
    studio.model("hello")
    described = studio.deploy(studio.config("c", studio.variant("hello")))

    reply = studio.runtime.invoke_endpoint(EndpointName=studio.endpoint_name, Body="1,2", ContentType="text/csv")

    assert described["EndpointStatus"] == "InService"
    assert (reply["Body"].read(), reply["ContentType"]) == (b"hello:1,2", "text/csv")
    assert reply["InvokedProductionVariant"] == "hello"


def test_what_the_model_prints_is_in_the_endpoints_log_group(studio, running):
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello")))
    with pytest.raises(ClientError):
        studio.ask("break")
    logs = running.client("logs")
    group = f"/aws/sagemaker/Endpoints/{studio.endpoint_name}"

    def where():
        [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
        return stream["logStreamName"] if any("no such row" in event["message"] for event in events) else None

    assert eventually(where, what="the model's words").startswith("hello/i-")


def test_a_model_that_fails_is_a_model_error_with_its_message(studio):
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello")))

    with pytest.raises(studio.runtime.exceptions.ModelError) as caught:
        studio.ask("break")

    reply = caught.value.response
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert reply["OriginalStatusCode"] == 500
    assert reply["OriginalMessage"] == "ValueError: no such row"
    wanted = (
        'Received server error (500) from primary with message "ValueError: no such row". See https://us-east-1.console'
    )
    assert reply["Error"]["Message"].startswith(wanted)


def test_an_endpoint_whose_model_is_not_there_fails_and_says_why(studio):
    missing = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none/model.tar.gz"}
    studio.model("none", PrimaryContainer=missing)

    described = studio.deploy(studio.config("c", studio.variant("none")))

    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith(
        'Failed to download model data for container "primary" from URL: "s3://'
    )


def test_two_containers_are_a_pipeline(studio):
    studio.model("chain", Containers=[studio.container("one"), studio.container("two")])
    studio.deploy(studio.config("c", studio.variant("chain")))

    assert studio.ask("row") == "two:one:row"


def test_a_multi_model_endpoint_loads_what_is_asked_for(studio):
    for word in ("a", "b"):
        studio.container(f"shelf/{word}")
    prefix = f"s3://{BUCKET}/{studio.prefix}/shelf/"
    studio.model("many", PrimaryContainer={"Image": IMAGE, "Mode": "MultiModel", "ModelDataUrl": prefix})
    studio.deploy(studio.config("c", studio.variant("many")))

    assert [studio.ask(TargetModel=f"/{word}/model.tar.gz") for word in "ab"] == ["shelf/a:x", "shelf/b:x"]
    with pytest.raises(ClientError, match="Failed to download model data"):
        studio.ask(TargetModel="c/model.tar.gz")


def test_variants_share_traffic_until_one_is_targeted(studio):
    for word in ("a", "b"):
        studio.model(word)
    studio.deploy(studio.config("c", studio.variant("a"), studio.variant("b")))

    assert {studio.ask() for _ in range(40)} == {"a:x", "b:x"}
    assert {studio.ask(TargetVariant="b") for _ in range(10)} == {"b:x"}


def test_weights_move_traffic_without_a_deployment(studio):
    for word in ("a", "b"):
        studio.model(word)
    studio.deploy(studio.config("c", studio.variant("a"), studio.variant("b")))
    changes = [{"VariantName": "a", "DesiredWeight": 0.0}]
    studio.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=studio.endpoint_name, DesiredWeightsAndCapacities=changes
    )
    described = studio.settled()

    assert [each["CurrentWeight"] for each in described["ProductionVariants"]] == [0.0, 1.0]
    assert {studio.ask() for _ in range(20)} == {"b:x"}


def test_a_serverless_endpoint_answers(studio):
    studio.model("hello")
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5, "ProvisionedConcurrency": 1}
    described = studio.deploy(studio.config("c", studio.variant("hello", ServerlessConfig=serverless)))

    assert described["ProductionVariants"][0]["CurrentServerlessConfig"] == serverless
    assert studio.ask() == "hello:x"


def test_a_serverless_endpoint_is_throttled_above_its_concurrency(studio):
    studio.model("hello")
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    studio.deploy(studio.config("c", studio.variant("hello", ServerlessConfig=serverless)))

    def outcome(_):
        try:
            return studio.ask("slow")
        except ClientError as error:
            return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(outcome, range(4)))

    assert set(outcomes) == {"hello:slow", ("ThrottlingException", 429)}


def test_a_shadow_variant_gets_a_copy_and_answers_nobody(studio, running):
    for word in ("real", "shadow"):
        studio.model(word)
    shadows = [studio.variant("shadow", InitialVariantWeight=1.0)]
    described = studio.deploy(studio.config("c", studio.variant("real"), ShadowProductionVariants=shadows))

    assert {studio.ask() for _ in range(5)} == {"real:x"}
    logs, group = running.client("logs"), f"/aws/sagemaker/Endpoints/{studio.endpoint_name}"

    def copies():
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="shadow/")["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"])["events"]
        return sum("POST /invocations" in event["message"] for event in events) == 5

    eventually(copies, what="five copies")
    assert described["ShadowProductionVariants"][0]["VariantName"] == "shadow"


def test_an_asynchronous_invocation_writes_its_result_and_tells_a_topic(studio, running):
    sns, sqs = running.client("sns"), running.client("sqs")
    topic = sns.create_topic(Name=f"{studio.prefix}-done")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"{studio.prefix}-done")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    place = f"s3://{BUCKET}/{studio.prefix}/async"
    output = {"S3OutputPath": f"{place}/out", "S3FailurePath": f"{place}/failed"}
    output["NotificationConfig"] = {"SuccessTopic": topic, "ErrorTopic": topic}
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello"), AsyncInferenceConfig={"OutputConfig": output}))
    replies = []
    for body in ("row", "break"):
        studio.s3.put_object(Bucket=BUCKET, Key=f"{studio.prefix}/in-{body}", Body=body)
        location = f"s3://{BUCKET}/{studio.prefix}/in-{body}"
        name = studio.endpoint_name
        replies.append(
            studio.runtime.invoke_endpoint_async(EndpointName=name, InputLocation=location, ContentType="text/csv")
        )

    assert studio.object(replies[0]["OutputLocation"]) == "hello:row"
    assert "no such row" in studio.object(replies[1]["FailureLocation"])
    statuses = set()

    def both():
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            statuses.add(json.loads(json.loads(message["Body"])["Message"])["invocationStatus"])
        return len(statuses) >= 2

    eventually(both, what="two notices")
    assert statuses == {"Completed", "Failed"}


def test_a_shadow_variant_is_captured_too(studio):
    for word in ("real", "shadow"):
        studio.model(word)
    shadows = {"ShadowProductionVariants": [studio.variant("shadow", InitialVariantWeight=1.0)]}
    studio.deploy(studio.config("c", studio.variant("real"), DataCaptureConfig=studio.capture(), **shadows))
    studio.ask("1,2")

    lines = {variant: studio.captured(variant)["captureData"] for variant in ("real", "shadow")}
    said = {variant: base64.b64decode(line["endpointOutput"]["data"]) for variant, line in lines.items()}
    assert {base64.b64decode(line["endpointInput"]["data"]) for line in lines.values()} == {b"1,2"}
    assert said == {"real": b"real:1,2", "shadow": b"shadow:1,2"}


def test_requests_and_replies_are_captured(studio):
    studio.model("hello")
    described = studio.deploy(studio.config("c", studio.variant("hello"), DataCaptureConfig=studio.capture()))
    studio.ask("1,2", InferenceId="i-1")
    line = studio.captured("hello")

    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"
    assert line["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "MSwy",
        "encoding": "BASE64",
    }
    assert base64.b64decode(line["captureData"]["endpointOutput"]["data"]) == b"hello:1,2"
    assert line["eventMetadata"]["inferenceId"] == "i-1"


def test_a_reply_comes_in_pieces(studio):
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello")))

    reply = studio.runtime.invoke_endpoint_with_response_stream(
        EndpointName=studio.endpoint_name, Body="stream", ContentType="text/csv"
    )

    assert reply["ContentType"] == "text/plain"
    assert b"".join(event["PayloadPart"]["Bytes"] for event in reply["Body"]) == b"hello-in-pieces"


def test_a_canary_that_trips_an_alarm_is_rolled_back_and_nobody_notices(studio, running):
    for word in ("good", "bad"):
        studio.model(word)
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 10}
    studio.deploy(studio.config("c1", studio.variant("good", **variant)))
    cloudwatch, alarm = running.client("cloudwatch"), f"{studio.prefix}-errors"
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Period=60,
        Statistic="Sum",
        Threshold=1.0,
    )
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    studio.update(studio.config("c2", studio.variant("bad", **variant)), DeploymentConfig=policy)
    eventually(lambda: studio.ask() == "bad:x", what="an answer of the canary")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="too many errors")
    described = studio.settled()

    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert alarm in described["FailureReason"]
    assert {studio.ask() for _ in range(20)} == {"good:x"}


def test_a_canary_whose_model_fails_is_rolled_back_by_itself(studio, running):
    for word in ("good", "broken"):
        studio.model(word)
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 10}
    studio.deploy(studio.config("c1", studio.variant("good", **variant)))
    cloudwatch, alarm = running.client("cloudwatch"), f"{studio.prefix}-errors"
    dimensions = {"EndpointName": studio.endpoint_name, "VariantName": "AllTraffic"}
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=2.0,
        TreatMissingData="notBreaching",
    )
    cloudwatch.put_composite_alarm(AlarmName=f"{alarm}-too", AlarmRule=f'ALARM("{alarm}")')
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    studio.update(studio.config("c2", studio.variant("broken", **variant)), DeploymentConfig=policy)
    errors = []

    def is_over():
        try:
            assert studio.ask() == "good:x"
        except studio.runtime.exceptions.ModelError:
            errors.append(1)
        described = studio.sagemaker.describe_endpoint(EndpointName=studio.endpoint_name)
        return described["EndpointStatus"] != "Updating"

    eventually(is_over, what="a rollback")
    described = studio.settled()

    assert len(errors) >= 3
    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert described["FailureReason"].endswith(f"ALARM state: {alarm}")
    assert cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "ALARM"
    assert cloudwatch.describe_alarms(AlarmNames=[f"{alarm}-too"])["CompositeAlarms"][0]["StateValue"] == "ALARM"
    assert _total(cloudwatch, "Invocation5XXErrors", dimensions) == len(errors)
    assert {studio.ask() for _ in range(20)} == {"good:x"}


def _total(cloudwatch, metric, dimensions):
    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def test_a_fleet_that_can_not_start_leaves_the_old_one_serving(studio):
    studio.model("good")
    studio.model("none", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none/model.tar.gz"})
    studio.deploy(studio.config("c1", studio.variant("good")))
    studio.update(studio.config("c2", studio.variant("none")))
    described = studio.settled()

    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert described["FailureReason"].startswith("Failed to download model data")
    assert studio.ask() == "good:x"


def test_updates_under_a_stream_of_invocations_lose_none(studio):
    words = [f"w{number}" for number in range(4)]
    for word in words:
        studio.model(word)
    studio.deploy(studio.config("c0", studio.variant(words[0], VariantName="AllTraffic")))
    answers, over = [], threading.Event()

    def ask_on_and_on():
        client = studio.simulator.client("sagemaker-runtime")
        while not over.is_set():
            try:
                reply = client.invoke_endpoint(EndpointName=studio.endpoint_name, Body="x", ContentType="text/csv")
                answers.append(reply["Body"].read().decode())
            except Exception as error:  # noqa: BLE001  whatever it is, it is what the test looks for
                answers.append(repr(error))

    callers = [threading.Thread(target=ask_on_and_on) for _ in range(2)]
    for caller in callers:
        caller.start()
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "LINEAR", "WaitIntervalInSeconds": 1, "LinearStepSize": size}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    for word in words[1:]:
        studio.update(studio.config(word, studio.variant(word, VariantName="AllTraffic")), DeploymentConfig=policy)
        assert studio.settled()["EndpointConfigName"] == f"{studio.prefix}-{word}"
    over.set()
    for caller in callers:
        caller.join()

    assert set(answers) == {f"{word}:x" for word in words}


def test_a_deleted_endpoint_leaves_no_process(studio, running):
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello")))
    studio.sagemaker.delete_endpoint(EndpointName=studio.endpoint_name)
    eventually(lambda: not studio.sagemaker.list_endpoints(NameContains=studio.prefix)["Endpoints"], what="no endpoint")

    port = int(running.url.rsplit(":", 1)[1])
    eventually(
        lambda: not any(studio.endpoint_name in directory for directory in _directories_of_children(port)),
        what="no process",
    )

    assert [each for each in AdminClient(running.url).endpoints() if each["name"] == studio.endpoint_name] == []
    with pytest.raises(ClientError, match="not found"):
        studio.ask()


def _directories_of_children(port):
    """Where the processes below the server on a port run."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "sagebridge_local.sagemaker" in command and str(port) in command:
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    found.append(child.cwd())
    return found
