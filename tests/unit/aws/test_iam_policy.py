"""The IAM policy in the docs allows what the code calls, and nothing else."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sagebridge.core.logs.streams
import sagebridge.runtime.s3
import sagebridge.targets.sagemaker
from sagebridge.core.endpoint.scaling import Dimension
from sagebridge.kinds import JOB_KINDS
from sagebridge.kinds.kind import JobKind

DOCS = Path(__file__).parents[3] / "docs"
CODE = Path(sagebridge.targets.sagemaker.__path__[0])
# CloudWatch's are its own. S3 and STS name some permissions otherwise than the operations; an empty one needs none.
PERMISSIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "PutObject": "s3:PutObject",
    "GetCallerIdentity": "",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "DescribeLogStreams": "logs:DescribeLogStreams",
    "GetLogEvents": "logs:GetLogEvents",
}
SCALING_OPERATIONS = {
    "DeleteScalingPolicy",
    "DeleteScheduledAction",
    "DeregisterScalableTarget",
    "DescribeScalableTargets",
    "DescribeScalingPolicies",
    "DescribeScheduledActions",
    "PutScalingPolicy",
    "PutScheduledAction",
    "RegisterScalableTarget",
}
SCALED_FOR_SAGEMAKER = {
    "application-autoscaling:service-namespace": "sagemaker",
    "application-autoscaling:scalable-dimension": [dimension.value for dimension in Dimension],
}
# What Application Auto Scaling does in its caller's name.
# https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html
NEEDED_BY_SCALING = {
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricAlarm",
    "iam:CreateServiceLinkedRole",
    "sagemaker:DescribeEndpointConfig",
}

# What boto3's S3 client calls for each of its methods that the agent uses.
# https://docs.aws.amazon.com/AmazonS3/latest/API/mpuoverview.html#mpuAndPermissions
UPLOAD = ("s3:PutObject", "s3:AbortMultipartUpload")
PERMISSIONS_OF_AGENT = {
    "abort_multipart_upload": ("s3:AbortMultipartUpload",),
    "create_multipart_upload": ("s3:PutObject",),
    "delete_object": ("s3:DeleteObject",),
    "download_file": ("s3:GetObject",),
    "get_object": ("s3:GetObject",),
    "get_paginator": ("s3:ListBucket",),
    "head_object": ("s3:GetObject",),
    "put_object": ("s3:PutObject",),
    "upload_file": UPLOAD,
    "upload_fileobj": UPLOAD,
}
NEEDED_BY_KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}


def operations_of_kinds() -> set[str]:
    return {operation for kind in JOB_KINDS for operation in operations_of_kind(kind)}


def operations_of_kind(kind: JobKind) -> Iterator[str]:
    yield from (kind.create, kind.describe, kind.list, kind.stop, kind.delete)
    yield from (follow_up.operation for follow_up in kind.follow_ups)
    if kind.children is not None:
        yield from (kind.children.list, kind.children.delete)


def operations_in_code() -> set[str]:
    """Every string constant that is given as the operation of a call."""
    return {operation for path in CODE.glob("*.py") for operation in operations_of(path)}


def operations_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and name_of(node.func) in {"call", "_call", "_pages", "_s3"}:
            yield from (
                argument.value
                for argument in node.args[:2]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def operations_on_logs() -> set[str]:
    """What the log service asks CloudWatch Logs for."""
    tree = ast.parse(Path(sagebridge.core.logs.streams.__file__).read_text(encoding="utf-8"))
    asks = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and name_of(node.func) == "Ask"]
    return {
        keyword.value.value
        for ask in asks
        for keyword in ask.keywords
        if keyword.arg == "operation" and isinstance(keyword.value, ast.Constant)
    }


def name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def permission(operation: str) -> str:
    service = "application-autoscaling" if operation in SCALING_OPERATIONS else "sagemaker"
    return PERMISSIONS.get(operation, f"{service}:{operation}")


def actions(policy: str) -> set[str]:
    found: set[str] = set()
    for statement in json.loads((DOCS / "iam" / policy).read_text(encoding="utf-8"))["Statement"]:
        assert statement["Effect"] == "Allow"
        action = statement["Action"]
        found |= {action} if isinstance(action, str) else set(action)
    return found


def test_the_operators_policy_lists_exactly_what_is_called() -> None:
    called = (operations_of_kinds() | operations_in_code() | operations_on_logs()) - {""}
    assert {"AddTags", "PutObject", "GetCallerIdentity"} <= called, "the search in the code finds what is there"
    wanted = {permission(operation) for operation in called} - {""}
    assert actions("operator-policy.json") == wanted | NEEDED_BY_SCALING | {"iam:PassRole"}


def test_only_what_sagemaker_scales_can_be_changed() -> None:
    """Which operations take conditions:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsapplicationautoscaling.html
    """
    policy = json.loads((DOCS / "iam" / "operator-policy.json").read_text(encoding="utf-8"))
    narrowed = [one for one in policy["Statement"] if SCALED_FOR_SAGEMAKER.items() <= condition(one).items()]
    changing = {permission(operation) for operation in SCALING_OPERATIONS if not operation.startswith("Describe")}
    assert {action for one in narrowed for action in one["Action"]} == changing
    others = {action for one in policy["Statement"] if one not in narrowed for action in one["Action"]}
    assert not changing & others


def condition(statement: dict[str, Any]) -> dict[str, Any]:
    return dict(statement.get("Condition", {}).get("StringEquals", {}))


def test_assuming_roles_is_all_that_tenants_need_of_the_operator() -> None:
    assert actions("assume-tenant-roles.json") == {"sts:AssumeRole"}
    assert "assume_role(" in (CODE / "sessions.py").read_text(encoding="utf-8")


def test_roles_are_passed_to_sagemaker_only_and_by_name() -> None:
    policy = json.loads((DOCS / "iam" / "operator-policy.json").read_text(encoding="utf-8"))
    (statement,) = (one for one in policy["Statement"] if one["Action"] == "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert "*" not in statement["Resource"]


def test_only_sagemakers_logs_are_read() -> None:
    policy = json.loads((DOCS / "iam" / "operator-policy.json").read_text(encoding="utf-8"))
    (statement,) = (one for one in policy["Statement"] if any(each.startswith("logs:") for each in one["Action"]))
    assert statement["Resource"].endswith(":log-group:/aws/sagemaker/*")


def test_a_tenants_role_insists_on_the_external_id() -> None:
    (statement,) = json.loads((DOCS / "iam" / "tenant-trust-policy.json").read_text(encoding="utf-8"))["Statement"]
    assert "sts:ExternalId" in statement["Condition"]["StringEquals"]


def test_a_clusters_job_may_do_exactly_what_its_agent_calls() -> None:
    tree = ast.parse(Path(sagebridge.runtime.s3.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_of_client(node.func)]
    called = {name_of(call.func) for call in calls}
    assert called == PERMISSIONS_OF_AGENT.keys()
    wanted = {permission for name in called for permission in PERMISSIONS_OF_AGENT[name]}
    assert actions("cluster-job-policy.json") == wanted | NEEDED_BY_KEYS


def is_of_client(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and name_of(function.value) == "_client"


@pytest.mark.parametrize(
    "name",
    ["operator-policy.json", "assume-tenant-roles.json", "tenant-trust-policy.json", "cluster-job-policy.json"],
)
def test_the_page_shows_the_files_as_they_are(name: str) -> None:
    page = (DOCS / "tenancy.md").read_text(encoding="utf-8")
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)]
    assert json.loads((DOCS / "iam" / name).read_text(encoding="utf-8")) in shown
