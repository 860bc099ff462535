"""Endpoints that really answer, called through boto3 as users do."""

import base64
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from botocore.exceptions import ClientError
from sagebridge_local.sagemaker.admin import AdminClient
from support.waiting import eventually

from .studio import BUCKET, IMAGE


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


def test_a_deleted_endpoint_leaves_no_process(studio, running):
    studio.model("hello")
    studio.deploy(studio.config("c", studio.variant("hello")))
    assert any(studio.endpoint_name in directory for directory in _directories_below(running))
    studio.sagemaker.delete_endpoint(EndpointName=studio.endpoint_name)
    eventually(lambda: not studio.sagemaker.list_endpoints(NameContains=studio.prefix)["Endpoints"], what="no endpoint")

    eventually(
        lambda: not any(studio.endpoint_name in directory for directory in _directories_below(running)),
        what="no process",
    )

    assert [each for each in AdminClient(running.url).endpoints() if each["name"] == studio.endpoint_name] == []
    with pytest.raises(ClientError, match="not found"):
        studio.ask()


def _directories_below(simulator):
    """Where the processes below a server run."""
    found = []
    for child in psutil.Process(simulator.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found.append(child.cwd())
    return found
