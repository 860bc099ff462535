"""The operator's permissions are those it needs, and the pods ask for no more than the restricted standard allows."""

from typing import Any

import pytest
from sagebridge.kinds import ENDPOINT, JOB_KINDS

from .helm import VALUE_SETS, Helm, one

JOBS = [*(kind.schema.plural for kind in JOB_KINDS), ENDPOINT.plural]
ALLOWED = {
    **{("sagebridge.io", jobs): {"get", "list", "watch", "patch", "delete"} for jobs in JOBS},
    **{("sagebridge.io", f"{jobs}/status"): {"get", "update"} for jobs in JOBS},
    ("sagebridge.io", "tenantpolicies"): {"get", "list", "watch"},
    ("", "namespaces"): {"get", "list", "watch"},
    ("", "configmaps"): {"get"},
    ("", "events"): {"create"},
    ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
    ("coordination.k8s.io", "leases"): {"get", "update", "create"},
}
CLUSTER_SCOPED = {"tenantpolicies", "namespaces", "customresourcedefinitions"}


def granted(roles: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """Verbs by group and resource over all roles."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for rule in (rule for role in roles for rule in role["rules"]):
        for key in ((group, resource) for group in rule["apiGroups"] for resource in rule["resources"]):
            verbs.setdefault(key, set()).update(rule["verbs"])
    return verbs


def roles_of(objects: list[dict[str, Any]], account: str) -> list[dict[str, Any]]:
    """The roles that are bound to a service account."""
    bindings = [obj for obj in objects if obj["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    bound = {
        (obj["roleRef"]["kind"], obj["roleRef"]["name"], obj["metadata"].get("namespace"))
        for obj in bindings
        if account in [subject["name"] for subject in obj["subjects"]]
    }
    return [
        obj
        for obj in objects
        for kind, name, namespace in bound
        if (obj["kind"], obj["metadata"]["name"]) == (kind, name)
        and obj["metadata"].get("namespace") in (None, namespace)
    ]


@pytest.mark.parametrize("value_set", ["default", "eks", "everything", "namespaced"])
def test_the_operator_gets_what_it_needs_and_no_more(helm: Helm, value_set: str) -> None:
    objects = helm.objects(value_set)
    account = one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]

    assert granted(roles_of(objects, account)) == ALLOWED


def test_watched_namespaces_get_roles_of_their_own(helm: Helm) -> None:
    objects = helm.objects("namespaced")
    account = one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    roles = roles_of(objects, account)

    across = granted([role for role in roles if role["kind"] == "ClusterRole"])
    work = [role["metadata"]["namespace"] for role in roles if role["metadata"]["name"] == "sagebridge-teams-work"]
    assert {resource for _, resource in across} == CLUSTER_SCOPED
    assert sorted(work) == ["team-a", "team-b"]


def test_the_hook_may_stop_the_operator_and_change_objects_only(helm: Helm) -> None:
    objects = helm.objects("default")

    assert granted(roles_of(objects, "sagebridge-release")) == {
        **{("sagebridge.io", jobs): {"get", "list", "patch"} for jobs in JOBS},
        ("apps", "deployments/scale"): {"get", "patch"},
        ("", "pods"): {"list"},
    }


def test_the_hook_leaves_nothing_but_its_log(helm: Helm) -> None:
    hooks = [obj for obj in helm.objects("default") if "helm.sh/hook" in obj["metadata"].get("annotations", {})]
    kept = [
        obj["kind"]
        for obj in hooks
        if "hook-succeeded" not in obj["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
    ]

    assert kept == ["Job"]


def test_users_of_a_namespace_may_use_its_objects_but_not_write_their_status(helm: Helm) -> None:
    objects = helm.objects("default")
    edit = granted([one(objects, "ClusterRole", "sagebridge-edit")])
    view = granted([one(objects, "ClusterRole", "sagebridge-view")])

    assert set(edit) == {("sagebridge.io", jobs) for jobs in [*JOBS, f"{ENDPOINT.plural}/scale"]}
    for jobs in JOBS:
        assert view[("sagebridge.io", f"{jobs}/status")] == {"get"}
        assert view[("sagebridge.io", jobs)] == {"get", "list", "watch"}


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_no_role_has_a_wildcard_or_reads_secrets(helm: Helm, value_set: str) -> None:
    roles = [obj for obj in helm.objects(value_set) if obj["kind"] in ("Role", "ClusterRole")]

    assert "*" not in str([role["rules"] for role in roles])
    assert "secrets" not in str([role["rules"] for role in roles])


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_pods_meet_the_restricted_standard(helm: Helm, value_set: str) -> None:
    for workload in [obj for obj in helm.objects(value_set) if obj["kind"] in ("Deployment", "Job")]:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_the_metrics_service_does_not_choose_the_hooks_pod(helm: Helm) -> None:
    objects = helm.objects("default")
    selector = one(objects, "Service")["spec"]["selector"]
    labels = one(objects, "Job")["spec"]["template"]["metadata"]["labels"]

    assert not selector.items() <= labels.items()
