"""The operator lives a job's whole life with the permissions and the settings that the chart gives it."""

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes
import pytest
import yaml
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import OperatorProcess, Simulator
from sagebridge_local.stack.ports import free_ports
from support.jobs import Jobs, spec

from .release import Release

REFUSALS = ("forbidden", "Forbidden", "Not enough permissions", "Traceback")


def start_operator(release: Release, directory: Path, simulator: Simulator) -> OperatorProcess:
    """What the Deployment would run: its settings, with a token of its service account."""
    pod = release.get("deployment", release.name)["spec"]["template"]["spec"]
    settings = {variable["name"]: variable.get("value", "a-pod") for variable in pod["containers"][0]["env"]}
    for of_the_pod in ("SAGEBRIDGE_HEALTH_HOST", "SAGEBRIDGE_HEALTH_PORT"):
        del settings[of_the_pod]
    settings["SAGEBRIDGE_LOGS_PORT"] = str(free_ports(1)[0])
    return OperatorProcess.start(
        directory / "operator",
        kubeconfig=release.kubeconfig_of(pod["serviceAccountName"], directory),
        endpoint_url=simulator.url,
        environment=settings,
    )


def asked_for_its_log(release: Release, operator: OperatorProcess, namespace: str) -> int:
    """The status that somebody without rights is answered with, who believes the authority that the chart publishes."""
    release.cluster.kubectl("create", "serviceaccount", "stranger", f"--namespace={namespace}")
    token = release.cluster.kubectl("create", "token", "stranger", f"--namespace={namespace}").strip()
    found = release.get("configmap", f"{release.name}-logs-ca")
    context = ssl.create_default_context(cadata=found["data"]["ca.crt"])
    host = urlsplit(operator.environment["SAGEBRIDGE_LOGS_URL"]).hostname
    port = int(operator.environment["SAGEBRIDGE_LOGS_PORT"])
    request = (
        f"GET /v1/namespaces/{namespace}/trainingjobs/digits/logs HTTP/1.0\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        context.wrap_socket(connection, server_hostname=host) as secured,
    ):
        secured.sendall(request.encode())
        return int(secured.makefile().readline().split()[1])


@pytest.mark.parametrize("mode", ["everywhere", "some namespaces"])
def test_the_charts_permissions_are_enough(
    install: Callable[..., Release],
    new_namespace: Callable[[], str],
    simulator: Callable[..., Simulator],
    kube: kubernetes.client.ApiClient,
    tmp_path: Path,
    mode: str,
) -> None:
    team, local = new_namespace(), simulator("--lifecycle-only", "--quotas", "off")
    watched = [f"watchNamespaces={{{team}}}"] if mode == "some namespaces" else []
    release = install("settings.pollIntervalSeconds=1", "settings.awsUnlimited=true", *watched)
    aws, jobs = AdminClient(local.url), Jobs(kube, team)
    source = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "source"}, "data": {"train.py": "print()"}}
    release.cluster.kubectl("create", f"--namespace={team}", "--filename=-", stdin=yaml.safe_dump(source))
    operator = start_operator(release, tmp_path, local)
    try:
        aws.outcome("*", seconds=1)
        script = {"entryPoint": "train.py", "configMap": {"name": "source"}}
        fields = spec(algorithmSpecification=None, framework={"name": "sklearn"}, source=script)
        jobs.create("digits", fields)
        jobs.wait_reason("digits", "Completed")
        jobs.wait_event("digits", "Completed")
        assert asked_for_its_log(release, operator, team) == 403, "who asks, and what they may do, is known"
        aws.outcome("*", seconds=600)
        jobs.create("long")
        jobs.wait_reason("long", "InProgress")
        jobs.delete("long")
        jobs.wait_gone("long")
        aws.outcome("*", seconds=1)
        jobs.create("brief", spec(runPolicy={"ttlSecondsAfterFinished": 0}))
        jobs.wait_gone("brief")
        refused = [line for line in operator.log.read_text().splitlines() if any(word in line for word in REFUSALS)]
        assert refused == []
        assert release.get("lease", "sagebridge")["spec"]["holderIdentity"] == "a-pod"
    finally:
        operator.stop(grace=5)
        jobs.delete("digits")
        release.cluster.kubectl(
            "patch",
            "trainingjob",
            "digits",
            f"--namespace={team}",
            "--type=merge",
            '--patch={"metadata": {"finalizers": null}}',
        )
