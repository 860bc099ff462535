"""Faults as a client's socket sees them."""

import http.client
import threading
import time

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from sagebridge_local.sagemaker.admin import AdminError


def test_a_dropped_call_closes_the_connection_and_does_nothing(client, admin, name, training_request):
    admin.fault("drop", operation="CreateTrainingJob", name=name, count=1)
    with pytest.raises(ConnectionClosedError):
        client.create_training_job(**training_request(name))
    assert admin.count("CreateTrainingJob", name=name, outcome="Dropped") == 1
    client.create_training_job(**training_request(name))


def test_a_lost_reply_closes_the_connection_after_the_job_was_made(client, admin, name, training_request):
    admin.fault("lost-reply", operation="CreateTrainingJob", name=name, count=1)
    with pytest.raises(ConnectionClosedError):
        client.create_training_job(**training_request(name))
    assert client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "InProgress"


def test_the_sdks_own_retry_meets_its_own_job_after_a_lost_reply(scripted, admin, name, training_request):
    import boto3

    retrying = boto3.client(
        "sagemaker",
        endpoint_url=scripted.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    admin.fault("lost-reply", operation="CreateTrainingJob", name=name, count=1)
    with pytest.raises(retrying.exceptions.ResourceInUse):
        retrying.create_training_job(**training_request(name))
    assert admin.count("CreateTrainingJob", name=name) == 2


def test_other_calls_on_the_server_go_on_while_one_is_slow(client, scripted, admin, name, training_request):
    another = scripted.client("sagemaker")
    another.list_training_jobs()  # from now on it is one request over a connection that is there
    admin.fault("slow", operation="CreateTrainingJob", name=name, seconds=3.0, count=1)
    slow = threading.Thread(target=client.create_training_job, kwargs=training_request(name))
    slow.start()
    while not admin.faults()[0]["hits"]:
        time.sleep(0.01)
    another.list_training_jobs()
    assert admin.count("CreateTrainingJob", name=name) == 0
    slow.join()
    assert admin.count("CreateTrainingJob", name=name) == 1


def test_a_malformed_reply_has_no_arn(client, admin, name, training_request):
    admin.fault("malformed", operation="CreateTrainingJob", name=name, count=1)
    assert "TrainingJobArn" not in client.create_training_job(**training_request(name))


def test_a_throttled_call(client, admin):
    admin.fault("throttle", operation="ListTrainingJobs")
    with pytest.raises(ClientError, match=r"\(ThrottlingException\).*Rate exceeded"):
        client.list_training_jobs()


def test_a_fault_that_makes_no_sense_is_refused(admin):
    with pytest.raises(AdminError, match="a fault's kind is one of"):
        admin.fault("nonsense")


@pytest.mark.parametrize("host", ["example.com", "169.254.169.254", "127.0.0.1.example.com:80"])
def test_a_web_page_can_not_reach_the_server_under_another_name(scripted, host):
    connection = http.client.HTTPConnection(scripted.url.removeprefix("http://"))
    connection.request("GET", "/_sagebridge/health", headers={"Host": host})
    assert connection.getresponse().status == 403


@pytest.mark.parametrize(
    ("host", "want", "reason"),
    [
        ("198.18.0.1:4566", 200, "named at the start, for whoever passes connections on"),
        ("198.18.0.1", 200, "without its port"),
        ("127.0.0.1", 200, "loopback is still answered"),
        ("198.18.0.11", 403, "a name that only begins like it"),
    ],
)
def test_it_answers_for_a_name_it_was_given(relayed, host, want, reason):
    connection = http.client.HTTPConnection(relayed.url.removeprefix("http://"))
    connection.request("GET", "/_sagebridge/health", headers={"Host": host})
    assert connection.getresponse().status == want, reason


@pytest.mark.parametrize(
    ("headers", "want", "reason"),
    [
        ({"Origin": "https://example.com"}, 403, "a page could create a job, which runs a command here"),
        ({"Origin": "http://127.0.0.1.example.com"}, 403, "a name that only begins like loopback"),
        ({"Origin": "null"}, 403, "a sandboxed page, or a file"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "a browser sends no Origin with a plain GET"),
        ({"Origin": "http://localhost:8888"}, 200, "a notebook on this machine"),
        ({"Sec-Fetch-Site": "none"}, 200, "somebody typed the address"),
        ({}, 200, "no browser"),
    ],
)
@pytest.mark.parametrize("path", ["/_sagebridge/health", "/"])
def test_a_web_page_of_another_host_is_refused(scripted, headers, want, reason, path):
    connection = http.client.HTTPConnection(scripted.url.removeprefix("http://"))
    connection.request("GET", path, headers=headers)
    assert connection.getresponse().status == want, reason


def test_a_preflight_of_another_host_gets_no_leave(scripted):
    connection = http.client.HTTPConnection(scripted.url.removeprefix("http://"))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target,authorization"}
    connection.request("OPTIONS", "/", headers={"Origin": "https://example.com", **asked})
    reply = connection.getresponse()
    assert (reply.status, reply.getheader("Access-Control-Allow-Origin")) == (403, None)


def test_the_server_listens_on_loopback_only(scripted):
    import psutil

    port = int(scripted.url.rsplit(":", 1)[1])
    listening = [each for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == port]
    assert {each.laddr.ip for each in listening if each.status == "LISTEN"} == {"127.0.0.1"}
