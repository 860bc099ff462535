"""TenantPolicy manifests: what is admitted, what is refused, and with which words."""

from typing import Any

import pytest

Spec = dict[str, Any]

ROLE = "arn:aws:iam::123456789012:role/service-role/training"
ALL: Spec = {"namespaceSelector": {}}


@pytest.mark.parametrize(
    ("reason", "spec"),
    [
        ("every namespace, and the operator's defaults", ALL),
        (
            "everything",
            {
                "namespaceSelector": {
                    "matchLabels": {"team": "a"},
                    "matchExpressions": [
                        {"key": "stage", "operator": "In", "values": ["dev", "test"]},
                        {"key": "frozen", "operator": "DoesNotExist"},
                    ],
                },
                "regions": ["eu-west-1", "us-gov-west-1"],
                "accountId": "123456789012",
                "assumeRole": {"roleArn": ROLE, "externalId": "team-a/2"},
                "executionRoles": {"default": ROLE, "allowed": [f"{ROLE}-2"]},
                "buckets": {
                    "default": "s3://team-a/out",
                    "allowedPrefixes": ["s3://team-a", "s3://data/team-a", "s3://data/team-b/"],
                },
                "allowAdopt": True,
            },
        ),
        ("a bucket's name", ALL | {"buckets": {"default": "team-a"}}),
        ("a prefix with dots in a name", ALL | {"buckets": {"allowedPrefixes": ["s3://data/v1.2..3/x"]}}),
        ("a role in China", ALL | {"executionRoles": {"default": ROLE.replace("aws", "aws-cn")}}),
    ],
)
def test_admitted(reason: str, spec: Spec, tenant_policies: Any) -> None:
    assert tenant_policies.refusal(spec) == "", reason
    assert tenant_policies.create(spec, dry_run=True)["spec"] == spec, reason


@pytest.mark.parametrize(
    ("reason", "spec", "said"),
    [
        ("no selector", {}, "spec.namespaceSelector: Required value"),
        (
            "values for existence",
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            "values goes with In and NotIn",
        ),
        (
            "no values to compare with",
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            "values goes with In and NotIn",
        ),
        (
            "an unknown operator",
            {"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1"]}]}},
            "supported values",
        ),
        ("no regions", ALL | {"regions": []}, "spec.regions"),
        ("a region that is none", ALL | {"regions": ["Ireland"]}, "spec.regions[0]"),
        ("an account that is none", ALL | {"accountId": "1234"}, "spec.accountId"),
        ("a user for a role", ALL | {"assumeRole": {"roleArn": ROLE.replace("role/", "user/")}}, "roleArn"),
        ("an external ID alone", ALL | {"assumeRole": {"externalId": "abc"}}, "spec.assumeRole.roleArn: Required"),
        ("a wildcard for roles", ALL | {"executionRoles": {"allowed": ["*"]}}, "spec.executionRoles.allowed[0]"),
        ("a prefix without a bucket", ALL | {"buckets": {"allowedPrefixes": ["s3://"]}}, "allowedPrefixes[0]"),
        ("a prefix that goes up", ALL | {"buckets": {"allowedPrefixes": ["s3://a-b/c/../d"]}}, "path segments"),
        ("a prefix that ends above", ALL | {"buckets": {"allowedPrefixes": ["s3://a-b/.."]}}, "path segments"),
        ("an empty segment", ALL | {"buckets": {"allowedPrefixes": ["s3://a-b//c"]}}, "allowedPrefixes[0]"),
        ("another scheme", ALL | {"buckets": {"default": "https://a-b/c"}}, "spec.buckets.default"),
        ("a default that goes up", ALL | {"buckets": {"default": "s3://a-b/../c-d"}}, "path segments"),
    ],
)
def test_refused(reason: str, spec: Spec, said: str, tenant_policies: Any) -> None:
    assert said in tenant_policies.refusal(spec), reason
