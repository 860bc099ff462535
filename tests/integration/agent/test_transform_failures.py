"""What a transform's agent does where an object, S3 or the model server fails."""

import http.client
import http.server
import threading
from typing import Any

import pytest

from .transforms import Host, Json, Reply, Served, shout


@pytest.mark.parametrize(
    ("reason", "status", "tries", "is_algorithms"),
    [
        ("a server that fails is asked again", 500, 3, True),
        ("what it refuses it would refuse again", 400, 1, False),
    ],
)
def test_an_object_that_fails_does_not_keep_the_others_from_their_outputs(
    host: Host, served: Served, reason: str, status: int, tries: int, is_algorithms: bool
) -> None:
    for name in ("bad", "good", "worse"):
        host.bucket.put(f"in/{name}", name)
    served.answer = lambda body: (200, body) if body == b"good" else (status, b"no good")

    code, message = host.run(host.request(ModelClientConfig={"InvocationsMaxRetries": 2}))

    assert code == 1, reason
    assert host.outputs() == {"out/good.out": b"good"}, reason
    assert len([body for body, _, _ in served.requests if body == b"bad"]) == tries, reason
    where = f"{host.bucket.name}/in/bad"
    assert message["failed"] == {
        "count": 2,
        "isAlgorithms": is_algorithms,
        "first": {
            "position": 0,
            "failureReason": f"{where}: Bad HTTP status received from algorithm: {status} no good",
        },
    }


def test_input_that_is_not_what_it_is_said_to_be(host: Host) -> None:
    host.bucket.put("in/a", "no gzip")
    code, message = host.run(host.request(input={"CompressionType": "Gzip"}))
    assert code == 1
    assert "can't be unpacked" in message["failed"]["first"]["failureReason"]
    assert message["failed"]["isAlgorithms"] is False


@pytest.mark.parametrize(
    ("reason", "members", "want"),
    [
        ("no input", {"source": {"S3Uri": "s3://{bucket}/nothing/"}}, "No S3 objects found"),
        ("no bucket", {"source": {"S3Uri": "s3://no-such-bucket-at-all/in/"}}, "NoSuchBucket"),
        ("no output bucket", {"output": {"S3OutputPath": "s3://no-such-bucket-at-all/out"}}, "Data upload failed"),
        ("a filter that is none", {"DataProcessing": {"InputFilter": "x"}}, "InputFilter"),
    ],
)
def test_what_fails_the_whole_pod(host: Host, reason: str, members: Json, want: str) -> None:
    host.bucket.put("in/a", "a")
    if "source" in members:
        members = {"source": {"S3Uri": members["source"]["S3Uri"].format(bucket=host.bucket.name)}}
    code, message = host.run(host.request(**members))
    assert code == 1, reason
    assert message["failureReason"].startswith("ClientError: "), reason
    assert want in message["failureReason"], reason


def test_a_document_of_another_version(host: Host) -> None:
    code, message = host.run(host.request(), version=2)
    assert code == 1
    assert message["failureReason"].startswith("InternalServerError: ")


def test_a_server_that_ended_is_no_hang(host: Host, served: Served) -> None:
    host.bucket.put("in/a", "a")
    served.stop()
    host.hide(70)
    code, message = host.run(host.request())
    assert code == 1
    assert message["unhealthy"] is True
    assert message["failureReason"].startswith(
        "ClientError: The primary container for transform job digits-1 did not pass the ping health check."
    )


def test_a_server_that_dies_of_a_request_is_waited_for(host: Host, served: Served) -> None:
    """The kubelet starts it again; the next object is not to suffer for the one before."""
    host.bucket.put("in/a-poison", "poison")
    host.bucket.put("in/b", "b")
    port = served.port

    def answer(body: bytes) -> Reply:
        if body != b"poison":
            return shout(body)
        served.is_healthy = False
        threading.Timer(0.5, setattr, (served, "is_healthy", True)).start()
        return 0, b""

    served.answer = answer
    code, message = host.run(host.request(ModelClientConfig={"InvocationsMaxRetries": 1}))
    assert served.port == port
    assert code == 1
    assert message["failed"]["isAlgorithms"] is True
    assert "Bad HTTP status received from algorithm: 0" in message["failed"]["first"]["failureReason"]
    assert host.outputs() == {"out/b.out": b"B"}


def test_a_pod_that_is_told_to_end_ends_at_once(host: Host, served: Served) -> None:
    host.bucket.put("in/a", "a")
    release = threading.Event()

    def answer(body: bytes) -> Reply:
        host.termination.request()
        release.wait(30)
        return shout(body)

    served.answer = answer
    code, message = host.run(host.request())
    assert (code, message["stopped"]) == (143, "Terminated")
    assert host.outputs() == {}
    release.set()


def test_a_slow_answer_is_no_answer(host: Host, served: Served) -> None:
    host.bucket.put("in/a", "a")
    release = threading.Event()
    served.answer = lambda body: (release.wait(30), shout(body))[1]
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    _, message = host.run(host.request(ModelClientConfig=client))
    release.set()
    assert "timed out" in message["failed"]["first"]["failureReason"]


def test_a_server_that_closes_after_each_answer(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """As gunicorn's workers do. Python since 3.12.2 closes the socket with the last byte; so does this one, then."""
    host.bucket.put("in/a", "a")
    read = http.client.HTTPResponse.read1

    def read_and_close(reply: Any, size: int = -1) -> bytes:
        piece: bytes = read(reply, size)
        if reply.length == 0:
            reply.close()
            closed.append(reply)
            for connection in connections:
                connection.close()
        return piece

    closed: list[Any] = []
    connections: list[http.client.HTTPConnection] = []
    connect = http.client.HTTPConnection.connect

    def remember(connection: http.client.HTTPConnection) -> None:
        connect(connection)
        connections.append(connection)

    monkeypatch.setattr(http.client.HTTPResponse, "read1", read_and_close)
    monkeypatch.setattr(http.client.HTTPConnection, "connect", remember)
    code, message = host.run(host.request(ModelClientConfig={"InvocationsMaxRetries": 0}))

    assert closed
    assert (code, message["transformed"]) == (0, 1)
    assert host.outputs() == {"out/a.out": b"A"}
