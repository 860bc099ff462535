"""What the tests of Endpoints with target: Cluster work with: an Endpoint, its parts, and a kubelet by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import kubernetes
from support.jobs import Jobs
from support.serving_kubelet import ServingKubelet

from .world import World

IMAGE = "registry.example/serve:1"
ARCHIVE = "s3://bucket/model.tar.gz"
NAME = "digits"


def endpoint(**changes: Any) -> dict[str, Any]:
    """A small valid spec."""
    variant = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"} | changes.pop("variant", {})
    model = {"name": "m", "image": IMAGE, "modelDataUrl": ARCHIVE} | changes.pop("model", {})
    return {
        "target": "Cluster",
        "endpointName": NAME,
        "models": [model],
        "productionVariants": [variant],
        **changes,
    }


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace, its Endpoints, and what they consist of."""

    world: World
    objects: Jobs
    kubelet: ServingKubelet
    apps: kubernetes.client.AppsV1Api
    scaling: kubernetes.client.AutoscalingV2Api

    @classmethod
    def of(cls, world: World) -> Place:
        """What there is of a world's namespace."""
        client = world.cluster.client
        return cls(
            world=world,
            objects=Jobs(client, world.namespace, kind="Endpoint", plural="sagemakerendpoints"),
            kubelet=ServingKubelet(client, world.namespace),
            apps=kubernetes.client.AppsV1Api(client),
            scaling=kubernetes.client.AutoscalingV2Api(client),
        )

    def clear(self) -> None:
        """Let all that is there go."""
        for one in self.objects.list():
            self.objects.delete(one["metadata"]["name"])
        self.apps.delete_collection_namespaced_deployment(self.namespace)
        self.kubelet.remove_all()

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.world.namespace

    def create(self, **changes: Any) -> None:
        """Make the Endpoint."""
        self.objects.create(NAME, endpoint(**changes))

    def edit(self, **changes: Any) -> None:
        """Change its spec."""
        self.objects.patch(NAME, {"spec": endpoint(**changes)})

    def deployment(self) -> Any:
        """Its Deployment."""
        return self.apps.read_namespaced_deployment(NAME, self.namespace)

    def revision(self) -> str:
        """The revision of the Deployment's pods."""
        found: str = self.deployment().spec.template.metadata.annotations["sagebridge.io/revision"]
        return found

    def wait_revision(self, *, other_than: str) -> str:
        """The Deployment's revision, once it is another one."""
        found: str = self.world.eventually(
            lambda: revision if (revision := self.revision()) != other_than else None, "another revision"
        )
        return found

    def in_service(self, count: int = 1) -> dict[str, Any]:
        """Let the pods of the Deployment's revision serve; the object then."""
        self.world.eventually(lambda: exists(self.deployment), "a Deployment")
        self.kubelet.serve_all(count, revision=self.revision())
        return self.objects.wait_reason(NAME, "InService")

    def config_maps(self) -> set[str]:
        """The names of the ConfigMaps of its revisions."""
        found = self.world.cluster.core.list_namespaced_config_map(self.namespace, label_selector="sagebridge.io/uid")
        return {one.metadata.name for one in found.items}

    def parts(self) -> list[str]:
        """What there is of endpoints, by kind."""
        selector = {"label_selector": "sagebridge.io/endpoint"}
        core = self.world.cluster.core
        return [
            *("Deployment" for _ in self.apps.list_namespaced_deployment(self.namespace, **selector).items),
            *("Service" for _ in core.list_namespaced_service(self.namespace, **selector).items),
            *("ConfigMap" for _ in core.list_namespaced_config_map(self.namespace, **selector).items),
            *("PodDisruptionBudget" for _ in self.budgets()),
            *("HPA" for _ in self.autoscalers()),
        ]

    def budgets(self) -> list[Any]:
        """The PodDisruptionBudgets of the namespace."""
        policy = kubernetes.client.PolicyV1Api(self.world.cluster.client)
        found: list[Any] = policy.list_namespaced_pod_disruption_budget(self.namespace).items
        return found

    def autoscalers(self) -> list[Any]:
        """The HorizontalPodAutoscalers of the namespace."""
        found: list[Any] = self.scaling.list_namespaced_horizontal_pod_autoscaler(self.namespace).items
        return found


def status(one: dict[str, Any]) -> dict[str, Any]:
    """An object's status; empty before the first."""
    return one.get("status") or {}


def exists(read: Callable[[], Any]) -> Any:
    """What is read; None if it is not there."""
    try:
        return read()
    except kubernetes.client.ApiException as error:
        if error.status != 404:
            raise
        return None
