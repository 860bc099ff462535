"""An operator of two namespaces whose rights in one are not whole, with the real API server's RBAC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from sagebridge_local.stack.processes import Spawn
from support.forking import ForkServer
from support.jobs import ready
from support.kubelet import Kubelet

from .cluster_jobs import MODEL, on_cluster, start_training
from .cluster_serving import NAME, Place
from .conftest import HASTY
from .world import Cluster, World

Rule = dict[str, list[str]]

ALL = ["*"]
ACROSS: list[Rule] = [
    {
        "apiGroups": ALL,
        "resources": ["namespaces", "tenantpolicies", "customresourcedefinitions", "persistentvolumes"],
        "verbs": ALL,
    }
]
READ = ["get", "list", "watch"]
OTHERS = ["apps", "autoscaling", "batch", "coordination.k8s.io", "policy", "sagebridge.io"]
WHOLE: list[Rule] = [{"apiGroups": ALL, "resources": ALL, "verbs": ALL}]
WITHOUT_PODS: list[Rule] = [
    {"apiGroups": OTHERS, "resources": ALL, "verbs": ALL},
    {"apiGroups": [""], "resources": ["configmaps", "events", "services"], "verbs": ALL},
]
WITHOUT_PARTING: list[Rule] = [
    {"apiGroups": [one for one in OTHERS if one != "apps"], "resources": ALL, "verbs": ALL},
    {"apiGroups": ["apps"], "resources": ALL, "verbs": READ},
    {"apiGroups": [""], "resources": ["configmaps", "events", "pods", "services"], "verbs": ALL},
]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two namespaces of one operator: in `whole` it may do all, in `other` what the test says."""

    whole: World
    other: World
    user: str

    def allow(self, rules: list[Rule], *, without: tuple[str, str, str] | None = None) -> None:
        """Give the operator these rights in the other namespace, and no more; it has lost that one after."""
        rbac = kubernetes.client.RbacAuthorizationV1Api(self.other.cluster.client)
        body = {"metadata": {"name": "operator"}, "rules": rules}
        rbac.replace_namespaced_role("operator", self.other.namespace, body)
        if without is not None:
            self.other.eventually(lambda: not self._may(*without), f"without {without}")

    def _may(self, verb: str, group: str, resource: str) -> bool:
        about = {"namespace": self.other.namespace, "verb": verb, "group": group, "resource": resource}
        reviews = kubernetes.client.AuthorizationV1Api(self.other.cluster.client)
        asked = {"spec": {"user": self.user, "resourceAttributes": about}}
        return bool(reviews.create_subject_access_review(asked).status.allowed)


def grant(cluster: Cluster, user: str, rules: list[Rule], *, namespace: str | None = None) -> None:
    """Bind a role to a user, in a namespace or across the cluster."""
    rbac = kubernetes.client.RbacAuthorizationV1Api(cluster.client)
    name = "operator" if namespace else user
    metadata = {"metadata": {"name": name}}
    kind = "Role" if namespace else "ClusterRole"
    binding: dict[str, Any] = {
        **metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
    }
    role = {**metadata, "rules": rules}
    if namespace:
        rbac.create_namespaced_role(namespace, role)
        rbac.create_namespaced_role_binding(namespace, binding)
    else:
        rbac.create_cluster_role(role)
        rbac.create_cluster_role_binding(binding)


@pytest.fixture
def pair(
    tmp_path: Path,
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    unique: str,
    forked_simulator: ForkServer,
    forked_operator: Spawn,
) -> Iterator[Pair]:
    cluster, user = Cluster(control_plane=control_plane, client=kube), f"operator-{unique}"
    whole, other = cluster.make_namespace(), cluster.make_namespace()
    grant(cluster, user, ACROSS)
    grant(cluster, user, WHOLE, namespace=whole)
    grant(cluster, user, WHOLE, namespace=other)
    environment = HASTY | {
        "SAGEBRIDGE_WATCH_NAMESPACES": f"{whole},{other}",
        "SAGEBRIDGE_LEASE_NAMESPACE": whole,
    }
    with (
        Simulator.start(tmp_path / "simulator", arguments=("--lifecycle-only",), spawn=forked_simulator) as simulator,
        OperatorProcess.start(
            tmp_path / "operator",
            kubeconfig=control_plane.kubeconfig_for(user),
            endpoint_url=simulator.url,
            environment=environment,
            spawn=forked_operator,
        ) as operator,
    ):
        worlds = [World.of(cluster, namespace, simulator, operator) for namespace in (whole, other)]
        yield Pair(whole=worlds[0], other=worlds[1], user=user)
        for world in worlds:
            world.delete_all()


def test_a_namespace_whose_pods_may_not_be_listed_blinds_no_other(pair: Pair) -> None:
    whole, other = pair.whole, pair.other
    kubelets = {world.namespace: Kubelet(world.cluster.client, world.namespace) for world in (whole, other)}
    pods = {world.namespace: start_training(world, kubelets[world.namespace], on_cluster()) for world in (whole, other)}
    for world in (whole, other):
        world.jobs.wait("digits", is_training, what="training")
    place = Place.of(whole)

    whole.operator.kill()
    pair.allow(WITHOUT_PODS, without=("list", "", "pods"))
    whole.operator.ensure()

    stale = other.jobs.wait_reason("digits", "StatusStale")
    assert f"the Jobs, pods and trials of namespace {other.namespace} can't be followed" in ready(stale)["message"]
    forbidden = f'cannot list resource "pods" in API group "" in the namespace "{other.namespace}"'
    assert forbidden in ready(stale)["message"]
    kubelets[whole.namespace].end(pods[whole.namespace], said=MODEL)
    whole.jobs.wait_reason("digits", "Completed")
    place.create(replicas=1)
    place.in_service()
    assert whole.page("readyz") == (200, "ok\n")
    still = other.jobs.get("digits")
    assert still is not None
    assert still["metadata"]["resourceVersion"] == stale["metadata"]["resourceVersion"], "it is told once"

    pair.allow(WHOLE)
    other.jobs.wait_reason("digits", "InProgress")
    kubelets[other.namespace].end(pods[other.namespace], said=MODEL)
    other.jobs.wait_reason("digits", "Completed")
    place.clear()
    for kubelet in kubelets.values():
        kubelet.remove_all()


def test_what_is_to_be_retained_and_can_not_be_parted_from_its_object_holds_no_deletion_up(pair: Pair) -> None:
    place = Place.of(pair.other)
    place.create(replicas=1, runPolicy={"deletionPolicy": "Retain"})
    place.in_service()

    pair.allow(WITHOUT_PARTING, without=("patch", "apps", "deployments"))
    place.objects.delete(NAME)
    blocked = place.objects.wait_reason(NAME, "DeletionBlocked")
    assert "what could not be retained is deleted with it" in ready(blocked)["message"]
    place.objects.wait_gone(NAME)

    events = pair.other.cluster.core.list_namespaced_event(pair.other.namespace).items
    [told] = [one.message for one in events if one.reason == "Orphaned"]
    assert told.startswith("Endpoint digits is released though what was to be retained could not be parted from it")
    assert pair.other.metric("sagebridge_orphaned_total", kind="Endpoint") == 1
    pair.other.eventually(lambda: "Deployment" not in place.parts(), "Kubernetes deletes what names it as its owner")
    assert place.parts().count("Service") == 1, "what could be parted stays"
    place.kubelet.remove_all()


def is_training(job: Any) -> bool:
    return bool((job.get("status") or {}).get("secondaryStatus") == "Training")
