"""The runtime API without processes: who takes an invocation, and what is refused."""

import json
import re

import pytest

ASYNC = {"OutputConfig": {"S3OutputPath": "s3://bucket/out", "S3FailurePath": "s3://bucket/failed"}}


def message(reply):
    return json.loads(reply.body)["Message"]


async def test_traffic_is_split_by_weights(host, variant_of):
    await host.serving(variants=[variant_of("a", InitialVariantWeight=3.0), variant_of("b", InitialVariantWeight=1.0)])

    taken = [(await host.invoke()).headers["x-amzn-invoked-production-variant"] for _ in range(400)]

    assert taken.count("a") / len(taken) == pytest.approx(0.75, abs=0.1)


async def test_target_variant_overrides_weights(host, variant_of):
    await host.serving(variants=[variant_of("a"), variant_of("b", InitialVariantWeight=0.0)])

    taken = {(await host.invoke(target_variant="b")).headers["x-amzn-invoked-production-variant"] for _ in range(20)}

    assert taken == {"b"}


async def test_a_variant_without_instances_gets_nothing(host, variant_of, sagemaker):
    await host.serving(variants=[variant_of("a"), variant_of("b")])
    changes = [{"VariantName": "b", "DesiredInstanceCount": 0}]
    await sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    host.call.advance(30)

    taken = {(await host.invoke()).headers["x-amzn-invoked-production-variant"] for _ in range(40)}

    assert taken == {"a"}


@pytest.mark.parametrize("state", ["none", "Creating", "Failed", "Deleting"])
async def test_an_endpoint_that_does_not_serve_is_not_found(host, sagemaker, state):
    await host.model()
    await host.config()
    if state == "Failed":
        host.call.admin("POST", "endpoints/e1/outcome", outcome="Failed", seconds=0)
    if state != "none":
        await host.endpoint()
    if state in {"Failed", "Deleting"}:
        host.call.advance(60)
    if state == "Deleting":
        await sagemaker("DeleteEndpoint", EndpointName="e1")

    reply = await host.invoke()

    assert (reply.status, reply.headers["x-amzn-errortype"]) == (400, "ValidationError")
    assert message(reply) == "Endpoint e1 of account 123456789012 not found."


@pytest.mark.parametrize(
    ("reason", "options", "want"),
    [
        ("a variant that is not there", {"target_variant": "x"}, "Variant x not found"),
        (
            "a target model for one model",
            {"target_model": "a.tar.gz"},
            "is not a multi-model endpoint and does not support target model header.",
        ),
        ("an inference component", {"inference_component": "x"}, "Inference Component Name header is not allowed"),
        ("a container of one", {"target_container_hostname": "x"}, "does not allow a TargetContainerHostname"),
        (
            "an asynchronous call",
            {"operation": "InvokeEndpointAsync", "inputlocation": "s3://b/k"},
            "is not asynchronous",
        ),
    ],
)
async def test_options_that_do_not_fit_the_endpoint(host, reason, options, want):
    await host.serving()

    reply = await host.invoke(**options)

    assert (reply.status, reply.code) == (400, "ValidationError")
    assert want in message(reply), reason


async def test_a_multi_model_endpoint_needs_a_target_model(host):
    await host.model(PrimaryContainer={"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "s3://bucket/models/"})
    await host.config()
    await host.endpoint()
    host.call.advance(60)

    assert re.fullmatch(r"Request [0-9a-f-]{36} is missing a target model header\.", message(await host.invoke()))
    assert json.loads((await host.invoke(target_model="a.tar.gz")).body)["TargetModel"] == "a.tar.gz"


async def test_direct_invocation_names_a_container(host):
    containers = [{"Image": "i", "ContainerHostname": name} for name in ("a", "b")]
    await host.model(PrimaryContainer=None, Containers=containers, InferenceExecutionConfig={"Mode": "Direct"})
    await host.config()
    await host.endpoint()
    host.call.advance(60)

    assert "needs a TargetContainerHostname" in message(await host.invoke())
    assert "no container with hostname z" in message(await host.invoke(target_container_hostname="z"))
    assert (await host.invoke(target_container_hostname="b")).status == 200


async def test_inference_components_are_not_run_here(host, variant_of):
    role = "arn:aws:iam::123456789012:role/serving"
    await host.serving(variants=[variant_of(ModelName=None)], ExecutionRoleArn=role)

    assert "Inference Component Name header is required" in message(await host.invoke())
    assert "Inference Component x of account" in message(await host.invoke(inference_component="x"))


async def test_an_asynchronous_endpoint_answers_202_with_its_places(host):
    await host.serving(AsyncInferenceConfig=ASYNC)

    refused = await host.invoke()
    reply = await host.invoke(operation="InvokeEndpointAsync", inputlocation="s3://bucket/in.csv", inference_id="i-1")

    assert "use InvokeEndpointAsync" in message(refused)
    assert (reply.status, json.loads(reply.body)) == (202, {"InferenceId": "i-1"})
    assert reply.headers["x-amzn-sagemaker-outputlocation"].startswith("s3://bucket/out/")
    assert reply.headers["x-amzn-sagemaker-failurelocation"].startswith("s3://bucket/failed/")


async def test_too_large_a_request_is_refused(host):
    await host.serving()

    reply = await host.invoke(body=b"x" * (25 * 1024 * 1024 + 1))

    assert message(reply) == "Request 26214401 bytes exceeds max of 26214400"


@pytest.mark.parametrize(
    ("options", "want"),
    [
        ({"inference_id": "x" * 65}, "at 'inferenceId' failed to satisfy constraint: Member must have length less"),
        ({"custom_attributes": "x" * 1025}, "at 'customAttributes' failed to satisfy constraint"),
        ({"target_variant": "-x"}, "at 'targetVariant' failed to satisfy constraint"),
    ],
)
async def test_members_are_held_to_the_runtimes_model(host, options, want):
    await host.serving()

    reply = await host.invoke(**options)

    assert (reply.status, reply.code) == (400, "ValidationError")
    assert want in message(reply)


@pytest.mark.parametrize(
    ("reason", "body", "options", "want"),
    [
        ("too short a life", b"", {"requestttlseconds": "59"}, "at 'requestTTLSeconds'"),
        ("too long a life", b"", {"requestttlseconds": "21601"}, "at 'requestTTLSeconds'"),
        ("too long an invocation", b"", {"invocationtimeoutseconds": "3601"}, "at 'invocationTimeoutSeconds'"),
        ("no number", b"", {"invocationtimeoutseconds": "soon"}, "can not be converted to an Integer"),
        ("too large a request of its own", b"x" * 128_001, {}, "exceeds max of 128000"),
    ],
)
async def test_asynchronous_requests_have_bounds(host, reason, body, options, want):
    await host.serving(AsyncInferenceConfig=ASYNC)

    reply = await host.invoke(
        operation="InvokeEndpointAsync", body=body, **({"inputlocation": "s3://bucket/in"} | options)
    )

    assert reply.status == 400, reason
    assert want in message(reply)


async def test_faults_strike_invocations_too(host):
    await host.serving()
    host.call.admin("POST", "faults", kind="throttle", operation="InvokeEndpoint", count=1)

    throttled, fine = await host.invoke(), await host.invoke()

    assert (throttled.status, throttled.code, fine.status) == (400, "ThrottlingException", 200)


async def test_other_accounts_do_not_see_it(host):
    await host.serving()
    host.call.region = "eu-west-1"

    assert (await host.invoke()).status == 400
