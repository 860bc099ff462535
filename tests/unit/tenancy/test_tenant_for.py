"""Which policy holds for a namespace, and what follows from it."""

from dataclasses import dataclass
from typing import Any

import pytest
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.tenancy import (
    OperatorDefaults,
    TenantPolicy,
    check_account,
    check_region,
    check_role,
    check_roles,
    tenant_for,
)

ROLE = "arn:aws:iam::111122223333:role/operator-default"
OTHER_ROLE = "arn:aws:iam::111122223333:role/listed"
TEAM_ROLE = "arn:aws:iam::444455556666:role/team-a"
DEFAULTS = OperatorDefaults(region="us-east-1", role_arn=ROLE, allowed_roles=(OTHER_ROLE,), bucket="shared/jobs/")
LABELS = {"kubernetes.io/metadata.name": "team-a", "team": "a", "stage": "prod"}


def policy(name: str = "a", **spec: Any) -> TenantPolicy:
    spec.setdefault("namespaceSelector", {"matchLabels": {"team": "a"}})
    return TenantPolicy.parse({"metadata": {"name": name}, "spec": spec})


def tenant(*policies: TenantPolicy, labels: dict[str, str] | None = None, defaults: OperatorDefaults = DEFAULTS):
    return tenant_for(
        namespace="team-a", labels=LABELS if labels is None else labels, policies=policies, defaults=defaults
    )


def test_without_any_policy_the_operators_settings_hold() -> None:
    found = tenant(labels={})
    assert found.default_region == "us-east-1"
    assert found.default_role == ROLE
    assert found.allowed_roles == (ROLE, OTHER_ROLE)
    assert found.default_bucket == "s3://shared/jobs"
    assert found.allowed_prefixes is None
    assert found.assume_role_arn is None
    assert not found.allow_adopt
    check_region(found, "eu-central-1", field="spec.region")


def test_a_policy_is_complete_in_what_it_gives() -> None:
    found = tenant(
        policy(
            regions=["eu-west-1", "eu-central-1"],
            accountId="444455556666",
            assumeRole={"roleArn": TEAM_ROLE, "externalId": "team-a-7f3"},
            executionRoles={"default": TEAM_ROLE, "allowed": [OTHER_ROLE, TEAM_ROLE]},
            buckets={"default": "team-a", "allowedPrefixes": ["s3://data/team-a/"]},
            allowAdopt=True,
        )
    )
    assert found.regions == ("eu-west-1", "eu-central-1")
    assert found.default_region == "eu-west-1"
    assert found.default_role == TEAM_ROLE
    assert found.allowed_roles == (TEAM_ROLE, OTHER_ROLE)
    assert found.default_bucket == "s3://team-a"
    assert found.allowed_prefixes == ("s3://team-a", "s3://data/team-a")
    assert (found.assume_role_arn, found.external_id) == (TEAM_ROLE, "team-a-7f3")
    assert found.allow_adopt
    assert found.account_id == "444455556666"
    assert found.policy_name == "a"


def test_what_a_policy_leaves_out_is_the_operators() -> None:
    found = tenant(policy())
    assert found.regions == ("us-east-1",)
    assert found.default_role == ROLE
    assert found.allowed_roles == (ROLE, OTHER_ROLE)
    assert found.default_bucket == "s3://shared/jobs"
    assert found.allowed_prefixes is None


@dataclass(frozen=True)
class RolesCase:
    reason: str
    section: dict[str, Any]
    default: str | None
    allowed: tuple[str, ...]


@pytest.mark.parametrize(
    "case",
    [
        RolesCase("a default alone is the only role", {"default": TEAM_ROLE}, TEAM_ROLE, (TEAM_ROLE,)),
        RolesCase("the operator's default is not smuggled past a list", {"allowed": [TEAM_ROLE]}, None, (TEAM_ROLE,)),
        RolesCase("the operator's default is used when it is on the list", {"allowed": [ROLE]}, ROLE, (ROLE,)),
        RolesCase("an empty section allows nothing", {}, None, ()),
    ],
    ids=lambda case: case.reason,
)
def test_execution_roles(case: RolesCase) -> None:
    found = tenant(policy(executionRoles=case.section))
    assert found.default_role == case.default
    assert found.allowed_roles == case.allowed


def test_a_bucket_section_without_a_default_does_not_use_the_operators_bucket() -> None:
    found = tenant(policy(buckets={"allowedPrefixes": ["s3://data/team-a"]}))
    assert found.default_bucket is None
    assert found.allowed_prefixes == ("s3://data/team-a",)


def test_no_policy_selects_the_namespace() -> None:
    with pytest.raises(NotAllowedError, match="No tenant policy selects namespace team-a") as caught:
        tenant(policy(namespaceSelector={"matchLabels": {"team": "b"}}))
    assert caught.value.field == "metadata.namespace"


def test_several_policies_select_the_namespace() -> None:
    with pytest.raises(NotAllowedError, match=r"Several tenant policies select namespace team-a: a-one, b-two\. "):
        tenant(policy("b-two"), policy("a-one"), policy("c", namespaceSelector={"matchLabels": {"team": "c"}}))


def test_changed_labels_change_the_policy() -> None:
    policies = (policy("a"), policy("b", namespaceSelector={"matchLabels": {"team": "b"}}))
    assert tenant(*policies).policy_name == "a"
    assert tenant(*policies, labels={**LABELS, "team": "b"}).policy_name == "b"


@dataclass(frozen=True)
class SelectorCase:
    reason: str
    selector: dict[str, Any] | None
    want: bool


def expression(operator: str, key: str = "team", values: list[str] | None = None) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": values} if values else {})}]}


SELECTORS = [
    SelectorCase("an empty selector is for all", {}, True),
    SelectorCase("no selector is for none", None, False),
    SelectorCase("a label that matches", {"matchLabels": {"team": "a"}}, True),
    SelectorCase("all labels must match", {"matchLabels": {"team": "a", "stage": "test"}}, False),
    SelectorCase("a label that is absent", {"matchLabels": {"owner": "a"}}, False),
    SelectorCase("In holds", expression("In", values=["x", "a"]), True),
    SelectorCase("In does not hold", expression("In", values=["x"]), False),
    SelectorCase("In does not hold for an absent label", expression("In", key="owner", values=["x"]), False),
    SelectorCase("NotIn holds", expression("NotIn", values=["x"]), True),
    SelectorCase("NotIn does not hold", expression("NotIn", values=["a"]), False),
    SelectorCase("NotIn holds for an absent label", expression("NotIn", key="owner", values=["x"]), True),
    SelectorCase("Exists", expression("Exists"), True),
    SelectorCase("Exists, absent", expression("Exists", key="owner"), False),
    SelectorCase("DoesNotExist", expression("DoesNotExist"), False),
    SelectorCase("DoesNotExist, absent", expression("DoesNotExist", key="owner"), True),
    SelectorCase("an operator that isn't known selects nothing", expression("Gt", values=["1"]), False),
    SelectorCase(
        "labels and expressions together",
        {"matchLabels": {"team": "a"}, **expression("In", key="stage", values=["test"])},
        False,
    ),
]


@pytest.mark.parametrize("case", SELECTORS, ids=lambda case: case.reason)
def test_selectors_as_kubernetes_reads_them(case: SelectorCase) -> None:
    assert policy(namespaceSelector=case.selector).selects(LABELS) is case.want


def test_a_namespace_whose_labels_are_not_known_may_do_nothing() -> None:
    """NotIn and DoesNotExist would select it."""
    with pytest.raises(NotAllowedError, match="not known yet"):
        tenant(policy(namespaceSelector=expression("DoesNotExist", key="restricted")), labels={})


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "ap-southeast-3"])
def test_regions_pass_without_a_list(region: str) -> None:
    check_region(tenant(), region, field="spec.region")


@pytest.mark.parametrize("region", ["", "us-east-1.evil.example/#", "us_east_1", "US-EAST-1", "us-east-1\n", "us-east"])
def test_what_is_no_region_never_becomes_a_host_name(region: str) -> None:
    with pytest.raises(NotAllowedError, match="not the name of an AWS region"):
        check_region(tenant(), region, field="spec.region")


def test_a_region_outside_the_list() -> None:
    with pytest.raises(NotAllowedError, match="which allows eu-west-1, eu-central-1") as caught:
        check_region(tenant(policy(regions=["eu-west-1", "eu-central-1"])), "us-east-1", field="spec.region")
    assert caught.value.field == "spec.region"


@dataclass(frozen=True)
class RoleCase:
    reason: str
    role: str
    allowed: bool


@pytest.mark.parametrize(
    "case",
    [
        RoleCase("the default", TEAM_ROLE, True),
        RoleCase("a more privileged role", "arn:aws:iam::444455556666:role/admin", False),
        RoleCase("a name that only begins so", TEAM_ROLE + "-evil", False),
        RoleCase("other letters", TEAM_ROLE.replace("team-a", "Team-A"), False),
        RoleCase("another account's role of that name", TEAM_ROLE.replace("4444", "9999"), False),
        RoleCase("a path before the name", TEAM_ROLE.replace("role/", "role/service/"), False),
        RoleCase("a user", "arn:aws:iam::444455556666:user/team-a", False),
        RoleCase("a pattern", "arn:aws:iam::444455556666:role/*", False),
        RoleCase("a line break", TEAM_ROLE + "\n", False),
        RoleCase("nothing", "", False),
    ],
    ids=lambda case: case.reason,
)
def test_role_passing(case: RoleCase) -> None:
    limited = tenant(policy(executionRoles={"default": TEAM_ROLE}))
    if case.allowed:
        check_role(limited, case.role, field="spec.roleArn")
        return
    with pytest.raises(NotAllowedError) as caught:
        check_role(limited, case.role, field="spec.roleArn")
    assert caught.value.field == "spec.roleArn"


def test_a_pattern_in_a_list_is_no_pattern() -> None:
    """Role names are compared letter for letter: `team-*` would allow `team-admin`, made later by somebody else."""
    wild = "arn:aws:iam::444455556666:role/team-*"
    with pytest.raises(NotAllowedError, match="not allowed by tenant policy a"):
        check_role(tenant(policy(executionRoles={"allowed": [wild]})), TEAM_ROLE, field="spec.roleArn")


def test_the_message_names_few_of_many_roles() -> None:
    roles = tuple(f"arn:aws:iam::444455556666:role/r{number}" for number in range(9))
    with pytest.raises(NotAllowedError, match="r4 and 4 more"):
        check_role(tenant(policy(executionRoles={"allowed": list(roles)})), TEAM_ROLE, field="spec.roleArn")


def test_without_a_policy_only_listed_roles_pass() -> None:
    check_role(tenant(), OTHER_ROLE, field="spec.roleArn")
    with pytest.raises(NotAllowedError, match="not allowed by the operator's settings"):
        check_role(tenant(), TEAM_ROLE, field="spec.roleArn")


def test_the_account_that_a_policy_names() -> None:
    pinned = tenant(policy(accountId="444455556666"))
    check_account(pinned, "444455556666")
    check_account(tenant(policy()), "111122223333")
    with pytest.raises(NotAllowedError, match="lead to account 111122223333"):
        check_account(pinned, "111122223333")


@pytest.mark.parametrize(
    ("reason", "spec", "refused"),
    [
        ("the job's own", {"roleArn": OTHER_ROLE}, ""),
        ("one that is passed on", {"inputs": [{"redshift": {"clusterRoleArn": OTHER_ROLE}}]}, ""),
        ("not the job's own", {"roleArn": TEAM_ROLE}, "spec.roleArn"),
        (
            "one that is passed on, deep inside",
            {"roleArn": ROLE, "inputs": [{}, {"redshift": {"clusterRoleArn": TEAM_ROLE}}]},
            "spec.inputs[1].redshift.clusterRoleArn",
        ),
        ("what only looks like one", {"environment": {"ROLEARN": TEAM_ROLE}, "note": TEAM_ROLE}, ""),
    ],
)
def test_every_role_that_is_passed_on_is_checked(reason: str, spec: dict[str, Any], refused: str) -> None:
    if not refused:
        check_roles(tenant(), spec)
        return
    with pytest.raises(NotAllowedError) as caught:
        check_roles(tenant(), spec)
    assert caught.value.field == refused, reason
