"""Endpoints that are asked over HTTP: the cluster's by their URL, SageMaker's through its runtime."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sagebridge_kfp.invocation import Request, invoke
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.run import StepFailedError

REQUEST = Request(body=b"1,2,3", content_type="text/csv", accept="application/json")


@dataclass(kw_only=True, slots=True)
class Server:
    """Answers each POST with the same.

    Attributes:
        url: where it listens.
        status, body, headers: of the answer.
        asked: path, headers and body of each request.
    """

    url: str = ""
    status: int = 200
    body: bytes = b"[3]"
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {key.lower(): value for key, value in self.headers.items()}
            told.asked.append((self.path, headers, body))
            self.send_response(told.status)
            for key, value in told.headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield told
    listening.shutdown()
    listening.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Without whatever AWS credentials and settings this machine has."""
    for variable in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture
def sagemaker(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """SageMaker's runtime, for a step that has credentials."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return server


def on_cluster(url: str) -> dict[str, Any]:
    return {"metadata": {"name": "digits"}, "spec": {"target": "Cluster"}, "status": {"url": url}}


def in_sagemaker(**status: Any) -> dict[str, Any]:
    known = {
        "endpointName": "team-digits-abc",
        "region": "eu-west-1",
        "endpointArn": "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/team-digits-abc",
    }
    return {"metadata": {"name": "digits"}, "spec": {}, "status": {**known, **status}}


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [("/invocations", "status.url as the operator writes it"), ("", "a bare URL"), ("/", "a bare URL with a slash")],
)
def test_an_endpoint_on_the_cluster_is_posted_to(suffix: str, reason: str, server: Server) -> None:
    assert invoke(on_cluster(server.url + suffix), REQUEST) == b"[3]", reason

    [(path, headers, body)] = server.asked
    assert (path, body) == ("/invocations", b"1,2,3")
    assert (headers["content-type"], headers["accept"]) == ("text/csv", "application/json")


def test_what_it_answers_to_a_bad_request_is_told(server: Server) -> None:
    server.status, server.body = 415, b"text/csv is not known here"

    with pytest.raises(StepFailedError, match=r"answered 415: text/csv is not known here"):
        invoke(on_cluster(server.url), REQUEST)


def test_what_a_mesh_refuses_is_told_with_what_helps(server: Server) -> None:
    server.status, server.body = 403, b"RBAC: access denied"

    with pytest.raises(StepFailedError, match=r"answered 403: RBAC: access denied \(Istio's words: .*allow POST"):
        invoke(on_cluster(server.url), REQUEST)


def test_a_request_that_was_answered_is_not_sent_again(server: Server) -> None:
    server.status = 503

    with pytest.raises(StepFailedError, match="answered 503"):
        invoke(on_cluster(server.url), REQUEST)
    assert len(server.asked) == 1


def test_a_gateway_that_sends_elsewhere_is_no_answer(server: Server) -> None:
    server.status, server.headers = 302, {"Location": f"{server.url}/login"}

    with pytest.raises(StepFailedError, match="answered 302"):
        invoke(on_cluster(server.url), REQUEST)
    assert [path for path, _, _ in server.asked] == ["/invocations"]


def test_nobody_there(server: Server) -> None:
    with pytest.raises(StepFailedError, match=r"http://127\.0\.0\.1:1/invocations does not answer"):
        invoke(on_cluster("http://127.0.0.1:1"), REQUEST)


@pytest.mark.parametrize("field_name", ["target_variant", "target_model"])
def test_the_cluster_has_neither_variants_nor_several_models(field_name: str, server: Server) -> None:
    with pytest.raises(InputError, match=f"^{field_name}: is SageMaker's"):
        invoke(on_cluster(server.url), Request(body=b"1", content_type="text/csv", **{field_name: "b"}))
    assert server.asked == []


def test_an_endpoint_in_sagemaker_is_invoked_through_its_runtime(sagemaker: Server) -> None:
    request = Request(body=b"1,2", content_type="text/csv", accept="text/csv", target_variant="b", target_model="m.tgz")

    assert invoke(in_sagemaker(), request) == b"[3]"

    [(path, headers, body)] = sagemaker.asked
    assert (path, body) == ("/endpoints/team-digits-abc/invocations", b"1,2")
    assert (headers["content-type"], headers["accept"]) == ("text/csv", "text/csv")
    assert headers["x-amzn-sagemaker-target-variant"] == "b"
    assert headers["x-amzn-sagemaker-target-model"] == "m.tgz"
    assert "/eu-west-1/sagemaker/" in headers["authorization"], "in the endpoint's own region"


def test_sagemaker_too_is_sent_one_request(sagemaker: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    refused("ServiceUnavailable", 503)(sagemaker)

    with pytest.raises(StepFailedError, match="ServiceUnavailable"):
        invoke(in_sagemaker(), REQUEST)
    assert len(sagemaker.asked) == 1


def test_what_is_not_given_is_not_sent(sagemaker: Server) -> None:
    invoke(in_sagemaker(), Request(body=b"1", content_type="text/csv"))

    [(_, headers, _)] = sagemaker.asked
    assert not {"accept", "x-amzn-sagemaker-target-variant", "x-amzn-sagemaker-target-model"} & set(headers)


def refused(code: str, status: int) -> Callable[[Server], None]:
    def answer(server: Server) -> None:
        server.status, server.body = status, json.dumps({"message": "no"}).encode()
        server.headers = {"x-amzn-ErrorType": code, "Content-Type": "application/json"}

    return answer


def test_without_credentials_it_says_which_are_needed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server.url)

    with pytest.raises(StepFailedError) as failed:
        invoke(in_sagemaker(), REQUEST)

    for word in ("service account", "IRSA", "sagemaker:InvokeEndpoint", in_sagemaker()["status"]["endpointArn"]):
        assert word in str(failed.value)
    assert server.asked == []


def test_a_role_that_may_not_is_told_what_it_needs(sagemaker: Server) -> None:
    refused("AccessDeniedException", 403)(sagemaker)

    with pytest.raises(StepFailedError, match=r"may not invoke the endpoint team-digits-abc.*sagemaker:InvokeEndpoint"):
        invoke(in_sagemaker(), REQUEST)


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("ModelError", 424, "the endpoint team-digits-abc answered with an error: .*ModelError"),
        ("ValidationError", 400, "SageMaker refused to invoke the endpoint team-digits-abc: .*ValidationError"),
        ("ServiceUnavailable", 503, "SageMaker refused to invoke the endpoint team-digits-abc: .*ServiceUnavailable"),
    ],
)
def test_an_error_is_told_as_of_who_answered_with_it(code: str, status: int, told: str, sagemaker: Server) -> None:
    refused(code, status)(sagemaker)

    with pytest.raises(StepFailedError, match=f"^{told}"):
        invoke(in_sagemaker(), REQUEST)


def test_no_answer_is_no_error_of_the_endpoint(monkeypatch: pytest.MonkeyPatch, sagemaker: Server) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:1")

    with pytest.raises(StepFailedError, match=r"^the endpoint team-digits-abc gave no answer: "):
        invoke(in_sagemaker(), REQUEST)
    assert sagemaker.asked == []


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (in_sagemaker(endpointName=""), "has no endpointName yet (Unknown)"),
        (
            in_sagemaker(
                endpointName="", conditions=[{"type": "Ready", "reason": "InvalidSpec", "message": "no such image"}]
            ),
            "has no endpointName yet (InvalidSpec: no such image)",
        ),
        ({"metadata": {"name": "digits"}, "spec": {"target": "Cluster"}}, "has no url yet (Unknown)"),
    ],
    ids=["no name", "not ready", "not looked at"],
)
def test_an_endpoint_that_is_not_there_yet(endpoint: dict[str, Any], words: str) -> None:
    with pytest.raises(StepFailedError) as failed:
        invoke(endpoint, REQUEST)

    assert words in str(failed.value)
