"""Uninstalling stops the operator, frees every object and says what is left at AWS.

There is no node here: the test is the hook's kubelet. It runs the container's own command with the pod's own service
account and reports how it ended.
"""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import kopf
import pytest
import yaml
from sagebridge.cli.release import Operator, StillRunningError, release_all, stop_operator
from sagebridge.kube.client import KubeClient
from sagebridge.kube.login import log_in

from .release import CHART, Release, wait_until

HOOK = "sagebridge-release-finalizers"
OURS, THEIRS = "sagebridge.io/finalizer", "example.com/theirs"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/team-a-long-abc"
RUNNING = {
    "number": 1,
    "name": "team-a-long-abc",
    "arn": ARN,
    "region": "eu-west-1",
    "recordedAt": "2026-01-01T00:00:00Z",
}
ENDED = {**RUNNING, "status": "Completed", "endTime": "2026-01-01T01:00:00Z"}


def add_job(
    release: Release, name: str, *, attempt: dict[str, Any] | None, finalizers: list[str], namespace: str
) -> None:
    """A TrainingJob as an operator would have left it."""
    job = {
        "apiVersion": "sagebridge.io/v1alpha1",
        "kind": "TrainingJob",
        "metadata": {"name": name, "namespace": namespace, "finalizers": finalizers},
        "spec": {
            "algorithm": {"name": "xgboost", "version": "1.7-1"},
            "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
        },
    }
    release.cluster.kubectl("create", "--filename=-", stdin=yaml.safe_dump(job))
    if attempt:
        status = yaml.safe_dump({"status": {"attempts": [attempt]}})
        release.cluster.kubectl(
            "patch",
            "trainingjob",
            name,
            f"--namespace={namespace}",
            "--subresource=status",
            "--type=merge",
            f"--patch={status}",
        )


def finalizers(release: Release, name: str, namespace: str) -> list[str]:
    found: list[str] = release.get("trainingjob", name, namespace=namespace)["metadata"].get("finalizers", [])
    return found


def run_hook_as_its_kubelet(release: Release, directory: Path) -> str:
    """Run the hook's container to its end, and tell the API server; returns what it printed."""
    release.cluster.kubectl("wait", "--for=create", f"job/{HOOK}", f"--namespace={release.namespace}", "--timeout=300s")
    selector = f"job-name={HOOK}"
    wait_until(lambda: bool(hook_pods(release, selector)))
    [pod] = hook_pods(release, selector)
    spec = release.get("pod", pod)["spec"]
    [container] = spec["containers"]
    done = subprocess.run(
        [sys.executable, *container["command"][1:], *container["args"]],
        env={**os.environ, "KUBECONFIG": str(release.kubeconfig_of(spec["serviceAccountName"], directory))},
        capture_output=True,
        text=True,
        check=False,
    )
    phase = "Failed" if done.returncode else "Succeeded"
    release.cluster.kubectl(
        "patch",
        "pod",
        pod,
        f"--namespace={release.namespace}",
        "--subresource=status",
        "--type=merge",
        f'--patch={{"status": {{"phase": "{phase}"}}}}',
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def hook_pods(release: Release, selector: str) -> list[str]:
    found = release.cluster.kubectl(
        "get",
        "pods",
        f"--namespace={release.namespace}",
        f"--selector={selector}",
        "--output=jsonpath={.items[*].metadata.name}",
    )
    return found.split()


def uninstall(release: Release, directory: Path) -> str:
    """Uninstall with the hook; returns what the hook printed."""
    helm = release.uninstall_in_background()
    said = run_hook_as_its_kubelet(release, directory)
    output, _ = helm.communicate()
    assert helm.returncode == 0, output
    return said


def test_nothing_is_left_stuck(
    install: Callable[..., Release], new_namespace: Callable[[], str], tmp_path: Path
) -> None:
    release, team = install(), new_namespace()
    wait_until(lambda: any(pod.startswith("pod/sagebridge-") for pod in release.names("pods")))
    add_job(release, "long", attempt=RUNNING, finalizers=[THEIRS, OURS], namespace=team)
    add_job(release, "done", attempt=ENDED, finalizers=[OURS], namespace=team)
    add_job(release, "foreign", attempt=None, finalizers=[THEIRS], namespace=team)
    add_job(release, "going", attempt=RUNNING, finalizers=[OURS], namespace=team)
    release.cluster.kubectl("delete", "trainingjob", "going", f"--namespace={team}", "--wait=false")

    said = uninstall(release, tmp_path)

    assert finalizers(release, "long", team) == [THEIRS]
    assert finalizers(release, "done", team) == []
    assert finalizers(release, "foreign", team) == [THEIRS]
    release.cluster.kubectl("wait", "--for=delete", "trainingjob/going", f"--namespace={team}", "--timeout=60s")
    assert f"TrainingJob {team}/long: released. STILL AT AWS, nobody has seen it end: {ARN}" in said
    assert f"TrainingJob {team}/done: released.\n" in said
    assert "foreign" not in said
    assert "3 objects released. 2 of them have jobs that may run on" in said
    for name in ("long", "foreign"):
        release.cluster.kubectl(
            "patch",
            "trainingjob",
            name,
            f"--namespace={team}",
            "--type=merge",
            '--patch={"metadata": {"finalizers": null}}',
        )
    release.cluster.kubectl("delete", "namespace", team, "--timeout=120s")


def test_all_that_stays_is_the_hooks_log_and_the_crds(install: Callable[..., Release], tmp_path: Path) -> None:
    release = install()

    uninstall(release, tmp_path)

    assert release.names("deployments,services,roles,rolebindings") == []
    assert release.names("serviceaccounts") == ["serviceaccount/default"]
    assert release.names("jobs") == [f"job.batch/{HOOK}"]
    cluster_wide = release.cluster.kubectl("get", "clusterroles,clusterrolebindings", "--output=name")
    assert "sagebridge" not in cluster_wide
    assert "trainingjobs.sagebridge.io" in release.cluster.kubectl("get", "customresourcedefinitions", "--output=name")


def test_an_operator_of_some_namespaces_frees_those_only(
    install: Callable[..., Release], new_namespace: Callable[[], str], tmp_path: Path
) -> None:
    watched, other = new_namespace(), new_namespace()
    release = install(f"watchNamespaces={{{watched}}}")
    for namespace in (watched, other):
        add_job(release, "digits", attempt=ENDED, finalizers=[OURS], namespace=namespace)

    uninstall(release, tmp_path)

    assert finalizers(release, "digits", watched) == []
    assert finalizers(release, "digits", other) == [OURS]
    release.cluster.kubectl(
        "patch",
        "trainingjob",
        "digits",
        f"--namespace={other}",
        "--type=merge",
        '--patch={"metadata": {"finalizers": null}}',
    )


def test_the_command_works_where_nothing_is_installed(install: Callable[..., Release]) -> None:
    release = install("crds.keep=false", "releaseFinalizers.enabled=false")
    release.run("uninstall", release.name)
    wait_until(lambda: "sagebridge.io" not in release.cluster.kubectl("get", "crd", "--output=name"))
    kubeconfig = {**os.environ, "KUBECONFIG": str(release.cluster.kubeconfig)}
    command = [sys.executable, "-m", "sagebridge.cli.release", f"--operator-namespace={release.namespace}"]

    done = subprocess.run(command, env=kubeconfig, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "0 objects released. None of them has a job that may still run.",
    )


def test_it_says_what_it_may_not_do(install: Callable[..., Release], tmp_path: Path) -> None:
    release = install()
    kubeconfig = {**os.environ, "KUBECONFIG": str(release.kubeconfig_of("default", tmp_path))}
    command = [sys.executable, "-m", "sagebridge.cli.release"]

    done = subprocess.run(command, env=kubeconfig, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "cannot list resource" in done.stderr


def test_it_can_be_installed_again_elsewhere(
    install: Callable[..., Release], new_namespace: Callable[[], str], tmp_path: Path
) -> None:
    first = install()
    uninstall(first, tmp_path)
    second = replace(first, namespace=new_namespace(), name="again")

    second.run("install", second.name, str(CHART), "--take-ownership")

    crd = second.get("customresourcedefinition", "trainingjobs.sagebridge.io")
    assert crd["metadata"]["annotations"]["meta.helm.sh/release-name"] == "again"
    second.remove()


@asynccontextmanager
async def connected(release: Release, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(release.cluster.kubeconfig))
    client = KubeClient(login=partial(log_in, settings=kopf.OperatorSettings()))
    yield client
    await client.close()


async def test_an_operator_that_does_not_stop_is_named(
    install: Callable[..., Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, seconds = install(), [0.0]
    release.cluster.kubectl(
        "patch",
        "deployment",
        "sagebridge",
        f"--namespace={release.namespace}",
        "--type=json",
        '--patch=[{"op": "add", "path": "/spec/template/metadata/finalizers", "value": ["example.com/stays"]}]',
    )
    wait_until(
        lambda: (
            "example.com/stays"
            in release.cluster.kubectl("get", "pods", f"--namespace={release.namespace}", "--output=yaml")
        )
    )
    operator = Operator(
        namespace=release.namespace, deployment="sagebridge", selector="app.kubernetes.io/name=sagebridge"
    )

    async def sleep(duration: float) -> None:
        seconds[0] += duration

    async with connected(release, monkeypatch) as client:
        with pytest.raises(StillRunningError, match=f"{release.namespace}/sagebridge still run after 30 s"):
            await stop_operator(client, operator, timeout=30, clock=lambda: seconds[0], sleep=sleep)
    assert release.get("deployment", "sagebridge")["spec"]["replicas"] == 0
    for pod in release.names("pods"):
        release.cluster.kubectl(
            "patch",
            pod,
            f"--namespace={release.namespace}",
            "--type=merge",
            '--patch={"metadata": {"finalizers": null}}',
        )


async def test_an_object_that_changes_meanwhile_is_read_again(
    install: Callable[..., Release], new_namespace: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    release, team = install(), new_namespace()
    add_job(release, "digits", attempt=None, finalizers=[OURS], namespace=team)
    async with connected(release, monkeypatch) as client:
        original = client.patch

        async def after_somebody_else(path: str, body: Any) -> Any:
            monkeypatch.setattr(client, "patch", original)
            release.cluster.kubectl(
                "patch",
                "trainingjob",
                "digits",
                f"--namespace={team}",
                "--type=json",
                '--patch=[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/theirs"}]',
            )
            return await original(path, body)

        monkeypatch.setattr(client, "patch", after_somebody_else)
        released = [one.name async for one in release_all(client, namespaces=[team])]

    assert released == [f"TrainingJob {team}/digits"]
    assert finalizers(release, "digits", team) == [THEIRS]
    release.cluster.kubectl(
        "patch",
        "trainingjob",
        "digits",
        f"--namespace={team}",
        "--type=merge",
        '--patch={"metadata": {"finalizers": null}}',
    )
