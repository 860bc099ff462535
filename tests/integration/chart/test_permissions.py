"""What the API server lets the operator, its hook and its users do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import kubernetes
import pytest

from .release import Release, comes_to_let, may, wait_until

OPERATOR_NEEDS = [
    ("list", "trainingjobs.sagebridge.io"),
    ("watch", "trainingjobs.sagebridge.io"),
    ("get", "trainingjobs.sagebridge.io"),
    ("patch", "trainingjobs.sagebridge.io"),
    ("delete", "trainingjobs.sagebridge.io"),
    ("update", "trainingjobs.sagebridge.io/status"),
    ("get", "configmaps"),
    ("create", "configmaps"),
    ("create", "jobs.batch"),
    ("create", "trainingjobs.sagebridge.io"),
    ("watch", "pods"),
    ("patch", "pods"),
    ("get", "pods/log"),
    ("create", "events"),
    ("create", "persistentvolumeclaims"),
]
READS_ACROSS = [
    ("list", "tenantpolicies.sagebridge.io"),
    ("watch", "tenantpolicies.sagebridge.io"),
    ("list", "namespaces"),
    ("watch", "namespaces"),
    *[(verb, "persistentvolumes") for verb in ("get", "list", "watch", "create", "delete")],
    ("list", "customresourcedefinitions.apiextensions.k8s.io"),
    ("watch", "customresourcedefinitions.apiextensions.k8s.io"),
]
NOBODY_GAVE = [
    *[(verb, "secrets") for verb in ("get", "list", "watch", "create", "patch", "delete")],
    *[(verb, "pods") for verb in ("create", "delete")],
    ("create", "pods/exec"),
    ("create", "serviceaccounts/token"),
    ("list", "configmaps"),
    ("update", "configmaps"),
    *[(verb, "persistentvolumes") for verb in ("update", "patch", "deletecollection")],
    ("delete", "persistentvolumeclaims"),
    ("list", "csidrivers.storage.k8s.io"),
    ("create", "hptuningjobs.sagebridge.io"),
    ("update", "tenantpolicies.sagebridge.io"),
    ("patch", "tenantpolicies.sagebridge.io"),
    ("patch", "namespaces"),
    ("patch", "customresourcedefinitions.apiextensions.k8s.io"),
    ("update", "deployments.apps"),
    ("patch", "daemonsets.apps"),
    ("create", "rolebindings.rbac.authorization.k8s.io"),
    ("escalate", "clusterroles.rbac.authorization.k8s.io"),
    ("impersonate", "users"),
]


@contextmanager
def client_of(release: Release, account: str, directory: Path) -> Iterator[kubernetes.client.ApiClient]:
    kubeconfig = release.kubeconfig_of(account, directory)
    with kubernetes.config.new_client_from_config(config_file=str(kubeconfig)) as client:
        yield client


def test_the_operator_may_do_its_work_anywhere_and_nothing_else(installed: Release, tmp_path: Path) -> None:
    release = installed
    with client_of(release, "sagebridge", tmp_path) as client:
        for verb, resource in OPERATOR_NEEDS + READS_ACROSS:
            assert comes_to_let(client, verb, resource, namespace=""), (verb, resource)
        for verb, resource in NOBODY_GAVE:
            assert not may(client, verb, resource, namespace=release.namespace), (verb, resource)


def test_the_operator_may_use_its_own_lease_only(installed: Release, tmp_path: Path) -> None:
    release = installed
    lease = "leases.coordination.k8s.io"
    with client_of(release, "sagebridge", tmp_path) as client:
        assert comes_to_let(client, "create", lease, namespace=release.namespace)
        for verb in ("get", "update"):
            assert comes_to_let(client, verb, lease, namespace=release.namespace, name="sagebridge")
            assert not may(client, verb, lease, namespace=release.namespace, name="other")
            assert not may(client, verb, lease, namespace="kube-system", name="sagebridge")


def test_the_operator_may_use_the_log_services_own_objects_only(installed: Release, tmp_path: Path) -> None:
    release = installed
    with client_of(release, "sagebridge", tmp_path) as client:
        for review in ("tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"):
            assert comes_to_let(client, "create", review)
        for verb in ("get", "update"):
            assert comes_to_let(client, verb, "secrets", namespace=release.namespace, name="sagebridge-logs-tls")
            assert comes_to_let(client, verb, "configmaps", namespace=release.namespace, name="sagebridge-logs-ca")
            assert not may(client, verb, "secrets", namespace=release.namespace, name="other")
            assert not may(client, verb, "secrets", namespace="kube-system", name="sagebridge-logs-tls")
        assert not may(client, "update", "configmaps", namespace=release.namespace, name="other")


def test_any_service_account_may_read_the_authority_of_the_log_service(installed: Release, tmp_path: Path) -> None:
    release = installed
    release.cluster.kubectl("create", "serviceaccount", "anybody", f"--namespace={release.namespace}")
    with client_of(release, "anybody", tmp_path) as client:
        assert comes_to_let(client, "get", "configmaps", namespace=release.namespace, name="sagebridge-logs-ca")
        assert not may(client, "update", "configmaps", namespace=release.namespace, name="sagebridge-logs-ca")
        assert not may(client, "get", "secrets", namespace=release.namespace, name="sagebridge-logs-tls")


def test_an_operator_of_some_namespaces_is_kept_to_them(
    installed: Release, install: Callable[..., Release], new_namespace: Callable[[], str], tmp_path: Path
) -> None:
    watched, other = new_namespace(), new_namespace()
    beside = ("crds.install=false", "rbac.aggregateToUserRoles=false")
    release = install(f"watchNamespaces={{{watched}}}", *beside)
    with client_of(release, "sagebridge", tmp_path) as client:
        for verb, resource in OPERATOR_NEEDS:
            assert comes_to_let(client, verb, resource, namespace=watched), (verb, resource)
            assert not may(client, verb, resource, namespace=other), (verb, resource)
        for verb, resource in READS_ACROSS:
            assert comes_to_let(client, verb, resource), (verb, resource)


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("view", {"get", "list", "watch"}, {"create", "update", "patch", "delete"}),
        ("edit", {"get", "list", "watch", "create", "update", "patch", "delete"}, set()),
        ("admin", {"get", "list", "watch", "create", "update", "patch", "delete"}, set()),
    ],
)
def test_the_roles_of_kubernetes_include_our_kinds(
    installed: Release, role: str, allowed: set[str], refused: set[str]
) -> None:
    release = installed
    release.cluster.kubectl(
        "create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er", f"--namespace={release.namespace}"
    )
    release.cluster.kubectl("wait", "--for=create", f"clusterrole/sagebridge-{'view' if role == 'view' else 'edit'}")
    kubeconfig = release.cluster.kubeconfig_for(f"{role}er")
    with kubernetes.config.new_client_from_config(config_file=str(kubeconfig)) as client:

        def has(verb: str, resource: str = "trainingjobs.sagebridge.io") -> bool:
            return may(client, verb, resource, namespace=release.namespace)

        wait_until(lambda: all(has(verb) for verb in allowed))
        assert not [verb for verb in refused if has(verb)]
        assert not [verb for verb in ("update", "patch") if has(verb, "trainingjobs.sagebridge.io/status")]
        assert not [verb for verb in ("get", "create", "update") if has(verb, "tenantpolicies.sagebridge.io")]
