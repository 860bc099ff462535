"""What a test of the operator works with: a namespace, its jobs, AWS behind it, and the operator's own pages."""

from __future__ import annotations

import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import kubernetes
from prometheus_client.parser import text_string_to_metric_families
from sagebridge.kinds import JOB_KINDS
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support.jobs import GROUP, PATIENCE_SECONDS, VERSION, Jobs

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SHOWN = 4000


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """An API server, as its administrator uses it."""

    control_plane: ControlPlane
    client: kubernetes.client.ApiClient

    def make_namespace(self, **labels: str) -> str:
        """Make a namespace; its name."""
        name = f"test-{secrets.token_hex(5)}"
        metadata = {"name": name, "labels": labels}
        self.core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    @property
    def core(self) -> kubernetes.client.CoreV1Api:
        """The core API."""
        return kubernetes.client.CoreV1Api(self.client)

    @property
    def custom(self) -> kubernetes.client.CustomObjectsApi:
        """The API of custom resources."""
        return kubernetes.client.CustomObjectsApi(self.client)

    def set_policy(self, name: str, spec: Mapping[str, Any]) -> None:
        """Make a TenantPolicy."""
        body = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "TenantPolicy", "metadata": {"name": name}, "spec": spec}
        self.custom.create_cluster_custom_object(GROUP, VERSION, "tenantpolicies", body)

    def remove_policies(self) -> None:
        """Delete every TenantPolicy."""
        self.custom.delete_collection_cluster_custom_object(GROUP, VERSION, "tenantpolicies")


@dataclass(frozen=True, kw_only=True)
class World:
    """One namespace and all that stands behind it."""

    cluster: Cluster
    namespace: str
    jobs: Jobs
    aws: AdminClient
    simulator: Simulator
    operator: OperatorProcess

    @classmethod
    def of(cls, cluster: Cluster, namespace: str, simulator: Simulator, operator: OperatorProcess) -> World:
        """A namespace, and those that serve it."""
        return cls(
            cluster=cluster,
            namespace=namespace,
            jobs=Jobs(cluster.client, namespace),
            aws=AdminClient(simulator.url),
            simulator=simulator,
            operator=operator,
        )

    def script(self, **script: Any) -> None:
        """Say how this namespace's jobs go from now on."""
        self.aws.outcome(f"{self.namespace}*", **script)

    def fault(self, kind: str, operation: str, **facts: Any) -> None:
        """Let calls about this namespace's jobs fail."""
        self.aws.fault(kind, operation=operation, **({"name": f"{self.namespace}*"} | facts))

    def count(self, operation: str, *, outcome: str | None = None) -> int:
        """How often an operation was called about this namespace's jobs."""
        objects: Mapping[str, Any] = self.aws.calls()["objects"]
        counted = [of[operation] for name, of in objects.items() if name.startswith(self.namespace) and operation in of]
        return sum(sum(found.values()) if outcome is None else found.get(outcome, 0) for found in counted)

    def made(self) -> list[dict[str, Any]]:
        """This namespace's jobs at AWS, oldest first."""
        return [job for job in self.aws.jobs() if job["name"].startswith(self.namespace)]

    def made_one(self) -> dict[str, Any]:
        """This namespace's only job at AWS."""
        [job] = self.made()
        return job

    def put_config_map(self, name: str, data: Mapping[str, str]) -> None:
        """Make a ConfigMap, or give it other data."""
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}
        try:
            self.cluster.core.create_namespaced_config_map(self.namespace, body)
        except kubernetes.client.ApiException as error:
            if error.status != 409:
                raise
            self.cluster.core.replace_namespaced_config_map(name, self.namespace, body)

    def delete_all(self) -> None:
        """Ask for the deletion of every job of the namespace."""
        custom = kubernetes.client.CustomObjectsApi(self.cluster.client)
        for kind in JOB_KINDS:
            plural = kind.schema.plural
            custom.delete_collection_namespaced_custom_object(GROUP, VERSION, self.namespace, plural)

    def page(self, path: str) -> tuple[int, str]:
        """Status and text of one of the operator's own pages."""
        return fetch(f"{self.operator.url}/{path}")

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        samples = (
            sample for family in text_string_to_metric_families(self.page("metrics")[1]) for sample in family.samples
        )
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    def eventually(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait until something holds; its value."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if found := holds():
                return found
            time.sleep(0.1)
        raise AssertionError(f"never came: {what}\n{self.operator.log.read_text()[-_SHOWN:]}")


def fetch(url: str) -> tuple[int, str]:
    """Status and text of a page; 0 while nobody answers."""
    try:
        with _DIRECT.open(url, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)
