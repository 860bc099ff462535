"""One installation of the chart by the real helm, and a user's view of it."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import yaml
from sagebridge_local.stack import ControlPlane

CHART = Path(__file__).parents[3] / "helm" / "sagebridge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    cluster: ControlPlane
    helm: Path
    namespace: str
    name: str = "sagebridge"

    def install(self, *settings: str, chart: Path | None = None, crds_of_another: bool = False) -> str:
        """Install or upgrade; `settings` are those of --set. Returns what helm says."""
        options = ["--take-ownership"] * crds_of_another + [
            f"--set={setting}" for setting in ("logs.enabled=true", *settings)
        ]
        return self.run("upgrade", "--install", self.name, str(chart or CHART), *options)

    def finds_crds(self) -> bool:
        """Whether a release before this one has left its CRDs."""
        found = self.cluster.kubectl("get", "crd", "trainingjobs.sagebridge.io", "--ignore-not-found", "--output=name")
        return bool(found)

    def run(self, *arguments: str) -> str:
        """Run helm in the release's namespace."""
        done = subprocess.run(
            [self.helm, *arguments, f"--namespace={self.namespace}"],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def uninstall_in_background(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [self.helm, "uninstall", self.name, f"--namespace={self.namespace}", "--timeout=300s"],
            env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def remove(self) -> None:
        """Leave nothing but the CRDs, which the next release takes over: to serve them anew takes seconds."""
        self.run("uninstall", self.name, "--no-hooks", "--ignore-not-found")

    def get(self, kind: str, name: str, *, namespace: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.cluster.kubectl("get", kind, name, "--namespace", namespace or self.namespace, "--output=json")
        )
        return found

    def names(self, kind: str) -> list[str]:
        return self.cluster.kubectl("get", kind, "--namespace", self.namespace, "--output=name").split()

    def kubeconfig_of(self, service_account: str, directory: Path) -> Path:
        """A kubeconfig with a token of that service account."""
        token = self.cluster.kubectl("create", "token", service_account, "--namespace", self.namespace).strip()
        config = yaml.safe_load(self.cluster.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        path = directory / f"{service_account}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        path.chmod(0o600)
        return path


def may(client: kubernetes.client.ApiClient, verb: str, resource: str, *, namespace: str = "", name: str = "") -> bool:
    """Whether the API server lets the client's own user do it; `resource` as `plural.group/subresource`."""
    path, _, subresource = resource.partition("/")
    plural, _, group = path.partition(".")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
    review = {"spec": {"resourceAttributes": {**attributes, "namespace": namespace, "name": name}}}
    answer = kubernetes.client.AuthorizationV1Api(client).create_self_subject_access_review(review)
    return bool(answer.status.allowed)


def comes_to_let(
    client: kubernetes.client.ApiClient, verb: str, resource: str, *, namespace: str = "", name: str = ""
) -> bool:
    """Whether the API server lets the client's user do it once it has noticed the newest roles and bindings."""
    return _comes_true(lambda: may(client, verb, resource, namespace=namespace, name=name))


def wait_until(condition: Callable[[], bool]) -> None:
    """Look again until the condition holds; gives up after many looks rather than hang."""
    assert _comes_true(condition), "It never came true"


def _comes_true(condition: Callable[[], bool]) -> bool:
    for _ in range(1200):
        if condition():
            return True
        time.sleep(0.1)
    return False
