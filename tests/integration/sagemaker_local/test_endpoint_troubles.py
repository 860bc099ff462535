"""Endpoints whose processes die, hang and flood, called through boto3 as users do."""

import contextlib
import json
import os
import signal
import sys

import psutil
import pytest
from botocore.exceptions import EventStreamError
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator
from support.waiting import LONGEST_SECONDS, eventually

BUCKET = "troubled-bucket"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
ROLE = "arn:aws:iam::123456789012:role/serving"
SERVER = """
import http.server, os, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"hang":
            time.sleep(3600)
        if body == b"flood":
            for number in range(200_000):
                print("line", number)
            print("the end", flush=True)
        if body == b"half":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"4\\r\\nhalf\\r\\n")
            self.wfile.flush()
            time.sleep(0.2)
            os._exit(1)
        self.answer(str(os.getpid()).encode() if body == b"pid" else body)

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        for name in ("Custom-Attributes", "Inference-Id"):
            if f"X-Amzn-SageMaker-{name}" in self.headers:
                self.send_header("X-Amzn-SageMaker-Custom-Attributes", self.headers[f"X-Amzn-SageMaker-{name}"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def start(directory):
    """A local SageMaker where an image means the server above."""
    (directory / "server.py").write_text(SERVER)
    images = directory / "images.json"
    images.write_text(json.dumps({IMAGE: [sys.executable, str(directory / "server.py")]}))
    simulator = Simulator.start(directory, arguments=("--images", str(images)))
    simulator.make_bucket(BUCKET)
    return simulator


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    simulator = start(tmp_path_factory.mktemp("troubles"))
    yield simulator
    simulator.stop(grace=5)


def config(simulator, name, **members):
    sagemaker = simulator.client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE})
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **members)


def deploy(simulator, name, **members):
    config(simulator, name, **members)
    simulator.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    wait(simulator, name)


def wait(simulator, name):
    sagemaker = simulator.client("sagemaker")

    def status():
        found = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
        return None if found in {"Creating", "Updating"} else found

    assert eventually(status, what="the end of a deployment") == "InService"


def ask(simulator, name, body, **options):
    runtime = simulator.client("sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName=name, Body=body, **options)


def pid(simulator, name):
    return int(ask(simulator, name, b"pid")["Body"].read())


def servers(simulator):
    """The serving processes below the local SageMaker."""
    port = simulator.url.rsplit(":", 1)[1]
    [server] = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "sagebridge_local.sagemaker" in (process.info["cmdline"] or []) and port in process.info["cmdline"]
    ]
    return server, [child for child in server.children(recursive=True) if "serve" in _command(child)]


def _command(process):
    with contextlib.suppress(psutil.Error):  # one that has just ended
        return process.cmdline()
    return []


def test_attributes_and_ids_pass_both_ways(running):
    deploy(running, "headers")

    assert ask(running, "headers", b"x", CustomAttributes="trace=1")["CustomAttributes"] == "trace=1"
    assert ask(running, "headers", b"x", InferenceId="id-1")["CustomAttributes"] == "id-1"


def test_a_process_that_is_killed_is_started_again_and_its_failures_are_model_errors(running):
    deploy(running, "killed")
    errors = running.client("sagemaker-runtime").exceptions
    first = pid(running, "killed")
    os.kill(first, signal.SIGKILL)
    failures = []

    def ask_again():
        try:
            return pid(running, "killed")
        except errors.ModelError as error:
            failures.append(error.response)

    second = eventually(ask_again, what="an answer")
    described = running.client("sagemaker").describe_endpoint(EndpointName="killed")

    assert second != first
    assert {failure["OriginalStatusCode"] for failure in failures} <= {0}
    assert described["EndpointStatus"] == "InService"


def test_a_model_that_never_answers_times_out_and_others_are_served_meanwhile(running):
    place = f"s3://{BUCKET}/hung"
    output = {"OutputConfig": {"S3OutputPath": f"{place}/out", "S3FailurePath": f"{place}/failed"}}
    deploy(running, "hung", AsyncInferenceConfig=output)
    runtime, s3 = running.client("sagemaker-runtime"), running.client("s3")
    locations = []
    for body, seconds in ((b"hang", 1), (b"fine", 60)):
        s3.put_object(Bucket=BUCKET, Key=f"in/{body.decode()}", Body=body)
        reply = runtime.invoke_endpoint_async(
            EndpointName="hung", InputLocation=f"s3://{BUCKET}/in/{body.decode()}", InvocationTimeoutSeconds=seconds
        )
        locations.append((reply["FailureLocation"], reply["OutputLocation"]))

    def content(uri):
        def look():
            with contextlib.suppress(s3.exceptions.NoSuchKey):
                return s3.get_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))["Body"].read()

        return eventually(look, what=uri)

    assert content(locations[1][1]) == b"fine"
    assert b"Your invocation timed out while waiting for a response from container primary" in content(locations[0][0])


def test_a_stream_that_breaks_off_ends_with_an_error(running):
    deploy(running, "broken-stream")
    runtime = running.client("sagemaker-runtime")
    reply = runtime.invoke_endpoint_with_response_stream(EndpointName="broken-stream", Body=b"half")
    pieces = []
    with pytest.raises(EventStreamError, match=r"ModelStreamError.*The model broke off"):
        pieces.extend(event["PayloadPart"]["Bytes"] for event in reply["Body"])

    assert pieces == [b"half"]


def test_a_flood_of_output_is_logged_to_the_last_line_and_takes_no_memory(running):
    deploy(running, "flooded")
    server, _ = servers(running)
    before = server.memory_info().rss
    assert ask(running, "flooded", b"flood")["Body"].read() == b"flood"
    logs, group = running.client("logs"), "/aws/sagemaker/Endpoints/flooded"
    [stream] = logs.describe_log_streams(logGroupName=group)["logStreams"]

    def is_whole():
        events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=5)["events"]
        return bool(events) and events[-1]["message"] == "the end"

    eventually(is_whole, what="the last line")

    # moto keeps the 200,000 events; the rest is ours.
    assert server.memory_info().rss - before < 600e6


def test_updates_leave_one_process(running):
    deploy(running, "updated")
    sagemaker = running.client("sagemaker")
    _, others = servers(running)
    for number in range(3):
        config(running, f"updated-{number}")
        sagemaker.update_endpoint(EndpointName="updated", EndpointConfigName=f"updated-{number}")
        wait(running, "updated")
        assert ask(running, "updated", b"x")["Body"].read() == b"x"

    eventually(lambda: len(servers(running)[1]) <= len(others), what="the end of the replaced processes")


def test_no_process_outlives_a_local_sagemaker_that_is_killed(tmp_path):
    simulator = start(tmp_path)
    try:
        deploy(simulator, "orphan")
        server, children = servers(simulator)
        assert children
        server.kill()
        _, alive = psutil.wait_procs(children, timeout=LONGEST_SECONDS)
    finally:
        simulator.stop(grace=5)

    assert alive == []


def test_a_reset_ends_every_process(running):
    deploy(running, "reset")
    AdminClient(running.url).reset()
    eventually(lambda: not servers(running)[1], what="the end of every process")
