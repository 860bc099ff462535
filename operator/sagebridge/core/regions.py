"""AWS regions and the partitions they lie in."""

from __future__ import annotations

_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("us-iso-", "aws-iso"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)


def partition_of(region: str) -> str:
    """The partition of a region, as ARNs name it.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


def sagemaker_arn(*, region: str, account: str, resource: str, name: str) -> str:
    """The ARN of a SageMaker resource; SageMaker writes names in lower case there."""
    return f"arn:{partition_of(region)}:sagemaker:{region}:{account}:{resource}/{name.lower()}"


def account_of(arn: str) -> str:
    """The account that an ARN names; empty if it names none."""
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 else ""
