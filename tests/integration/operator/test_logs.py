"""The log service before a real API server, with real tokens of service accounts and their real rights."""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import kubernetes
import pytest
from sagebridge_local.stack import OperatorProcess
from sagebridge_local.stack.ports import LOOPBACK, free_ports, is_free
from support.jobs import GROUP, ready, spec
from support.kubelet import Kubelet
from support.kubelet_logs import PodLogs, pod_logs

from .world import World, fetch

TRAINING_JOBS = "/aws/sagemaker/TrainingJobs"


class Reader:
    """Reads logs as a pipeline's step does: with the address, the authority and the token that it finds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: list[str] = []

    def account(self, name: str, *, namespace: str = "", may: str = "") -> str:
        """A token of a service account that may get objects of a kind in the job's namespace."""
        core, own = self.world.cluster.core, namespace or self.world.namespace
        core.create_namespaced_service_account(own, {"metadata": {"name": name}})
        if may:
            rights = kubernetes.client.RbacAuthorizationV1Api(self.world.cluster.client)
            rule = {"apiGroups": [GROUP], "resources": [may], "verbs": ["get"]}
            rights.create_namespaced_role(self.world.namespace, {"metadata": {"name": name}, "rules": [rule]})
            subject = {"kind": "ServiceAccount", "name": name, "namespace": own}
            role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
            body = {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
            rights.create_namespaced_role_binding(self.world.namespace, body)
        return self.token(name, namespace=own)

    def token(self, name: str, *, namespace: str = "", audiences: tuple[str, ...] = ()) -> str:
        """A token of a service account."""
        body = {"spec": {"audiences": list(audiences), "expirationSeconds": 3600}}
        reply = self.world.cluster.core.create_namespaced_service_account_token(
            name, namespace or self.world.namespace, body
        )
        self.tokens.append(reply.status.token)
        return str(reply.status.token)

    def open(self, job: str, token: str, query: str = "", *, url: str = "") -> http.client.HTTPResponse:
        """Ask for a job's log, where its status says that it is, or elsewhere."""
        status = self.world.jobs.wait(job, lambda found: "service" in found.get("status", {}).get("logs", {}))["status"]
        service = status["logs"]["service"]
        found = self.world.cluster.core.read_namespaced_config_map(service["configMap"], service["namespace"])
        context = ssl.create_default_context(cadata=found.data["ca.crt"])
        address = (url or service["url"]).removeprefix("https://")
        connection = http.client.HTTPSConnection(address, context=context, timeout=60)
        path = f"/v1/namespaces/{self.world.namespace}/trainingjobs/{job}/logs{query}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return connection.getresponse()


def line(response: http.client.HTTPResponse) -> dict[str, str]:
    """The next line that is not empty; nothing at the end."""
    while raw := response.readline():
        if raw.strip():
            found: dict[str, str] = json.loads(raw)
            return found
    return {}


@pytest.fixture
def world(alone: Callable[..., World], namespace: str) -> World:
    [port] = free_ports(1)
    return alone(
        SAGEBRIDGE_LOGS_URL=f"https://{LOOPBACK}:{port}",
        SAGEBRIDGE_LOGS_HOST=LOOPBACK,
        SAGEBRIDGE_LOGS_PORT=str(port),
        SAGEBRIDGE_LEASE_NAMESPACE=namespace,
    )


@pytest.fixture
def reader(world: World) -> Reader:
    reader = Reader(world)
    world.eventually(lambda: _has_authority(world), "the authority's ConfigMap")
    return reader


@pytest.fixture
def kubelet(world: World) -> Iterator[Kubelet]:
    made = Kubelet(world.cluster.client, world.namespace)
    yield made
    made.remove_all()


@pytest.fixture
def pods(world: World, tmp_path: Path) -> Iterator[PodLogs]:
    with pod_logs(world.cluster.client, tmp_path) as found:
        yield found


def _has_authority(world: World) -> bool:
    maps = world.cluster.core.list_namespaced_config_map(world.namespace).items
    return any(one.metadata.name == "sagebridge-logs-ca" for one in maps)


def cloudwatch(world: World) -> Any:
    client = boto3.client(
        "logs",
        endpoint_url=world.simulator.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    if not client.describe_log_groups(logGroupNamePrefix=TRAINING_JOBS)["logGroups"]:
        client.create_log_group(logGroupName=TRAINING_JOBS)
    return client


def put(client: Any, stream: str, *lines: str) -> None:
    if not client.describe_log_streams(logGroupName=TRAINING_JOBS, logStreamNamePrefix=stream)["logStreams"]:
        client.create_log_stream(logGroupName=TRAINING_JOBS, logStreamName=stream)
    events = [{"timestamp": round(time.time() * 1000), "message": text} for text in lines]
    client.put_log_events(logGroupName=TRAINING_JOBS, logStreamName=stream, logEvents=events)


def test_the_log_of_a_job_on_sagemaker(world: World, reader: Reader) -> None:
    token = reader.account("runner", may="trainingjobs")
    world.jobs.create("digits", spec())
    logs = cloudwatch(world)
    with reader.open("digits", token, "?follow=true") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/x-ndjson"
        name = world.jobs.get("digits")["status"]["trainingJobName"]  # type: ignore[index]
        put(logs, f"{name}/algo-1-1", "one")
        first = line(response)
        assert (first["message"], first["stream"]) == ("one", f"{name}/algo-1-1")
        put(logs, f"{name}/algo-2-1", "two")
        assert line(response)["message"] == "two"
        assert world.metric("sagebridge_log_streams") == 1
        world.aws.advance(700)
        assert line(response) == {"end": ready(world.jobs.wait_reason("digits", "Completed"))["reason"]}
        assert line(response) == {}
    with reader.open("digits", token, f"?after={first['cursor']}") as again:
        assert [line(again).get("message"), line(again).get("end")] == ["two", "Completed"]
    assert world.metric("sagebridge_log_lines_total") == 3


def test_only_who_may_get_the_object_is_told(world: World, reader: Reader) -> None:
    world.jobs.create("digits", spec())
    stranger = f"other-{secrets.token_hex(4)}"
    world.cluster.core.create_namespace({"metadata": {"name": stranger}})
    right = reader.account("runner", may="trainingjobs")
    table = [
        ("no token", "", 401),
        ("something else", "abc.def.ghi", 401),
        ("a token for another audience", reader.token("runner", audiences=("vault",)), 401),
        ("a token whose signature was tampered with", right[:-8] + "AAAAAAAA", 401),
        ("no right at all", reader.account("idle"), 403),
        ("a right on another kind", reader.account("other", may="processingjobs"), 403),
        ("another namespace", reader.account("runner", namespace=stranger), 403),
        ("the right", right, 200),
        ("a token for logs alone", reader.token("runner", audiences=("sagebridge-logs",)), 200),
        ("the same, of one who has no right", reader.token("idle", audiences=("sagebridge-logs",)), 403),
    ]
    for reason, token, want in table:
        with reader.open("digits", token) as response:
            assert response.status == want, reason
    told = world.operator.log.read_text()
    assert "DEBUG" in told
    for token in reader.tokens:
        assert not any(part in told for part in token.split(".")[1:]), "of a token nothing is logged"


def test_the_log_of_a_job_on_the_cluster(world: World, reader: Reader, kubelet: Kubelet, pods: PodLogs) -> None:
    token = reader.account("runner", may="trainingjobs")
    two_hosts = {"instanceType": "ml.m5.large", "instanceCount": 2}
    world.jobs.create("digits", spec(target="Cluster", resourceConfig=two_hosts))
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.train(pod)
    pods.print(first, "one")
    with reader.open("digits", token, "?follow=true") as response:
        assert line(response)["message"] == "one"
        pods.print(second, "two")
        behind = line(response)
        assert (behind["message"], behind["stream"]) == ("two", second.metadata.name)
        pods.print(first, "three")
        assert line(response)["message"] == "three"
        pods.print(second, "last words")
        for pod in (first, second):
            kubelet.end(pod, said={"stopped": "", "model": "s3://bucket/model.tar.gz"})
        assert line(response)["message"] == "last words"
        assert line(response) == {"end": "Completed"}
    with reader.open("digits", token, f"?after={behind['cursor']}") as again:
        assert [line(again)["message"], line(again)["message"], line(again).get("end")] == [
            "three",
            "last words",
            "Completed",
        ]


def test_a_replica_that_stands_by_serves_as_well(
    world: World, reader: Reader, operator: Callable[..., OperatorProcess]
) -> None:
    token = reader.account("runner", may="trainingjobs")
    world.jobs.create("digits", spec())
    with reader.open("digits", token) as response:
        assert response.status == 200
    name = world.jobs.get("digits")["status"]["trainingJobName"]  # type: ignore[index]
    put(cloudwatch(world), f"{name}/algo-1-1", "one")
    [port] = free_ports(1)
    beside = {"SAGEBRIDGE_LEASE_IDENTITY": "second", "SAGEBRIDGE_LOGS_PORT": str(port)}
    second = operator(endpoint_url=world.simulator.url, environment={**world.operator.environment, **beside})
    assert "standing by" in fetch(f"{second.url}/readyz")[1]
    world.eventually(lambda: not is_free(port), "the second replica's log service")
    with reader.open("digits", token, url=f"https://{LOOPBACK}:{port}") as response:
        assert line(response)["message"] == "one"


def test_streams_end_with_the_operator(world: World, reader: Reader) -> None:
    token = reader.account("runner", may="trainingjobs")
    world.jobs.create("digits", spec())
    with reader.open("digits", token, "?follow=true") as response:
        assert response.readline() == b"\n"
        world.operator.stop()
        assert line(response) == {}
    assert "Traceback" not in world.operator.log.read_text()
