"""The operator's permissions are those it needs, and the pods ask for no more than the restricted standard allows."""

from typing import Any

import pytest
from sagebridge.kinds import ENDPOINT, JOB_KINDS
from sagebridge.logs.service import shown
from sagebridge.settings import Settings
from support.steps import VERBS

from .helm import VALUE_SETS, Helm, HelmError, environment, one

JOBS = [*(kind.schema.plural for kind in JOB_KINDS), ENDPOINT.plural]
ALLOWED = {
    **{("sagebridge.io", jobs): {"get", "list", "watch", "patch", "delete"} for jobs in JOBS},
    ("sagebridge.io", "trainingjobs"): {"get", "list", "watch", "patch", "delete", "create"},
    **{("sagebridge.io", f"{jobs}/status"): {"get", "update"} for jobs in JOBS},
    ("sagebridge.io", "tenantpolicies"): {"get", "list", "watch"},
    ("", "namespaces"): {"get", "list", "watch"},
    ("", "configmaps"): {"get", "create", "patch", "delete", "update"},
    ("", "secrets"): {"get", "update"},
    ("authentication.k8s.io", "tokenreviews"): {"create"},
    ("authorization.k8s.io", "subjectaccessreviews"): {"create"},
    ("", "events"): {"create", "list", "watch"},
    ("batch", "jobs"): {"get", "list", "watch", "create", "patch", "delete"},
    ("jobset.x-k8s.io", "jobsets"): {"get", "list", "watch", "create", "patch", "delete"},
    ("", "pods"): {"list", "watch", "patch"},
    ("", "pods/log"): {"get"},
    ("", "services"): {"get", "list", "watch", "create", "patch", "delete"},
    ("apps", "deployments"): {"get", "list", "watch", "create", "patch", "delete"},
    ("apps", "replicasets"): {"list"},
    ("autoscaling", "horizontalpodautoscalers"): {"get", "list", "watch", "create", "patch", "delete"},
    ("policy", "poddisruptionbudgets"): {"get", "list", "watch", "create", "patch", "delete"},
    ("keda.sh", "scaledobjects"): {"get", "create", "patch", "delete"},
    ("", "persistentvolumeclaims"): {"list", "get", "create"},
    ("", "persistentvolumes"): {"get", "list", "watch", "create", "delete"},
    ("storage.k8s.io", "csidrivers"): {"get"},
    ("kueue.x-k8s.io", "workloads"): {"list", "watch"},
    ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
    ("coordination.k8s.io", "leases"): {"get", "update", "create"},
}
CLUSTER_SCOPED = {
    "tenantpolicies",
    "namespaces",
    "customresourcedefinitions",
    "persistentvolumes",
    "csidrivers",
    "tokenreviews",
    "subjectaccessreviews",
}


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

    gangs = {
        ("scheduling.k8s.io", plural): {"get", "create", "patch", "delete"} for plural in ("podgroups", "workloads")
    }
    assert granted(roles_of(objects, account)) == ALLOWED | (gangs if value_set == "everything" else {})


@pytest.mark.parametrize(
    ("kind", "group"), [("Coscheduling", "scheduling.x-k8s.io"), ("Volcano", "scheduling.volcano.sh")]
)
def test_gangs_are_made_where_they_are_asked_for(helm: Helm, kind: str, group: str) -> None:
    objects = helm.objects("default", f"--set=settings.clusterGangScheduling={kind}")
    account = one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]

    gangs = {(group, "podgroups"): {"get", "create", "patch", "delete"}}
    assert granted(roles_of(objects, account)) == ALLOWED | gangs


def test_without_jobs_on_the_cluster_it_may_make_nothing(helm: Helm) -> None:
    objects = helm.objects("default", "--set=cluster.enabled=false")
    account = one(objects, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    rights = granted(roles_of(objects, account))

    assert rights[("", "configmaps")] == {"get", "update"}
    assert "create" not in rights[("sagebridge.io", "trainingjobs")]
    assert {resource for group, resource in rights if group in ("", "batch", "kueue.x-k8s.io", "jobset.x-k8s.io")} == {
        "namespaces",
        "configmaps",
        "secrets",
        "events",
        "pods",
    }
    assert rights[("", "pods")] == {"list", "watch"}, "those of pipelines' steps"
    assert not {group for group, _ in rights} & {"apps", "autoscaling", "keda.sh"}


def test_who_has_neither_jobs_on_the_cluster_nor_pipelines_lets_it_see_no_pods(helm: Helm) -> None:
    objects = helm.objects("default", "--set=cluster.enabled=false,settings.pipelineStepGraceSeconds=0")
    deployment = one(objects, "Deployment")
    rights = granted(roles_of(objects, deployment["spec"]["template"]["spec"]["serviceAccountName"]))

    assert ("", "pods") not in rights
    assert dict(environment(deployment))["SAGEBRIDGE_PIPELINE_STEP_GRACE_SECONDS"] == "0"


def test_without_volumes_of_its_own_it_may_only_remove_what_is_left_of_them(helm: Helm) -> None:
    objects = helm.objects("default", "--set=cluster.fastFileVolumes=false")
    deployment = one(objects, "Deployment")
    rights = granted(roles_of(objects, deployment["spec"]["template"]["spec"]["serviceAccountName"]))

    assert rights[("", "persistentvolumes")] == {"list", "watch", "delete"}
    assert rights[("", "persistentvolumeclaims")] == {"list"}
    assert ("storage.k8s.io", "csidrivers") not in rights
    assert dict(environment(deployment))["SAGEBRIDGE_CLUSTER_FAST_FILE_VOLUMES"] == "false"


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


def test_the_runner_of_pipelines_gets_what_its_steps_need(helm: Helm) -> None:
    runners = "--set=rbac.pipelineRunners[0].namespace=kubeflow,rbac.pipelineRunners[0].name=pipeline-runner"
    objects = helm.objects("default", runners)
    rights = granted(roles_of(objects, "pipeline-runner"))

    for jobs in JOBS:
        assert rights[("sagebridge.io", jobs)] >= set(VERBS)
        assert rights[("sagebridge.io", f"{jobs}/status")] == {"get"}
    assert {group for group, _ in rights} == {"sagebridge.io"}
    bindings = [obj for obj in objects if "pipeline-runner" in str(obj.get("subjects"))]
    assert [obj["kind"] for obj in bindings] == ["RoleBinding"] * 2
    for binding in bindings:
        assert binding["metadata"]["namespace"] == binding["subjects"][0]["namespace"] == "kubeflow"


def test_rights_of_roles_that_another_release_has_are_refused(helm: Helm) -> None:
    values = "rbac.aggregateToUserRoles=false,rbac.pipelineRunners[0].namespace=a,rbac.pipelineRunners[0].name=b"
    with pytest.raises(HelmError, match=r"rbac\.pipelineRunners needs rbac\.aggregateToUserRoles"):
        helm.template("default", f"--set={values}")


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_no_role_has_a_wildcard_or_reads_others_secrets(helm: Helm, value_set: str) -> None:
    objects = helm.objects(value_set)
    roles = [obj for obj in objects if obj["kind"] in ("Role", "ClusterRole")]
    about_secrets = [(role, rule) for role in roles for rule in role["rules"] if "secrets" in rule["resources"]]
    own = [obj["metadata"]["name"] for obj in objects if obj["kind"] == "Secret"]

    assert "*" not in str([role["rules"] for role in roles])
    for role, rule in about_secrets:
        assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "sagebridge-system")
        assert rule["resourceNames"] == own
        assert rule["verbs"] == ["get", "update"], "the chart has made it"
    assert len(about_secrets) == len(own) <= 1


def test_without_the_log_service_there_is_nothing_of_it(helm: Helm) -> None:
    objects = helm.objects("default", "--set=logs.enabled=false")
    deployment = one(objects, "Deployment")
    rights = granted(roles_of(objects, deployment["spec"]["template"]["spec"]["serviceAccountName"]))

    assert not {"secrets", "tokenreviews", "subjectaccessreviews"} & {resource for _, resource in rights}
    assert not [obj for obj in objects if "logs" in obj["metadata"]["name"]]
    assert not [name for name, _ in environment(deployment) if "LOGS_URL" in name]


def test_every_service_account_may_read_the_authoritys_certificate(helm: Helm) -> None:
    objects = helm.objects("default")
    binding, role = one(objects, "RoleBinding", "sagebridge-logs-ca"), one(objects, "Role", "sagebridge-logs-ca")

    assert [subject["name"] for subject in binding["subjects"]] == ["system:serviceaccounts"]
    assert [(rule["resources"], rule["resourceNames"], rule["verbs"]) for rule in role["rules"]] == [
        (["configmaps"], ["sagebridge-logs-ca"], ["get"])
    ]


def test_logs_are_served_where_the_operator_says(helm: Helm) -> None:
    """The names that the operator makes of its settings are those of the chart's objects."""
    objects = helm.objects("everything")
    deployment = one(objects, "Deployment")
    told = dict(environment(deployment))
    service = next(obj for obj in objects if obj["kind"] == "Service" and obj["metadata"]["name"].endswith("-logs"))
    port = next(one["containerPort"] for one in _ports(deployment) if one["name"] == "logs")

    host = f"{service['metadata']['name']}.sagebridge-system.svc"
    assert told["SAGEBRIDGE_LOGS_URL"] == f"https://{host}:{service['spec']['ports'][0]['port']}"
    assert told["SAGEBRIDGE_LOGS_PORT"] == str(port)
    settings = Settings(
        lease_name=told["SAGEBRIDGE_LEASE_NAME"],
        lease_namespace=told["SAGEBRIDGE_LEASE_NAMESPACE"],
        logs_url=told["SAGEBRIDGE_LOGS_URL"],
    )
    config_map = next(obj for obj in objects if obj["kind"] == "ConfigMap" and obj["metadata"]["name"].endswith("-ca"))
    assert shown(settings) == {
        "url": told["SAGEBRIDGE_LOGS_URL"],
        "namespace": "sagebridge-system",
        "configMap": config_map["metadata"]["name"],
    }
    assert one(objects, "Secret")["metadata"]["name"] == f"{told['SAGEBRIDGE_LEASE_NAME']}-logs-tls"


def _ports(deployment: dict[str, Any]) -> list[dict[str, Any]]:
    return list(deployment["spec"]["template"]["spec"]["containers"][0]["ports"])


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


def test_no_service_chooses_the_hooks_pod(helm: Helm) -> None:
    objects = helm.objects("default")
    selectors = [obj["spec"]["selector"] for obj in objects if obj["kind"] == "Service"]
    labels = one(objects, "Job")["spec"]["template"]["metadata"]["labels"]

    assert len(selectors) == 2
    assert not [selector for selector in selectors if selector.items() <= labels.items()]
