"""What a namespace may do in AWS, decided before any call.

A `TenantPolicy` says it for the namespaces it selects. While there is none at all, the operator's own settings hold;
once there is one, a namespace that none selects may do nothing. What a policy leaves out altogether (regions,
executionRoles, buckets) is as in the operator's settings; what it gives is complete.

These checks keep a manifest from *naming* what its tenant must not touch. What the code inside a job reads and writes
is limited by the execution role alone, whose IAM policy is the real wall.

Sources:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (S3Prefix is a prefix of key names)
    https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
    https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name
"""

from sagebridge.core.tenancy.checks import (
    check_account,
    check_operator_reads,
    check_region,
    check_role,
    check_roles,
    check_s3_uris,
)
from sagebridge.core.tenancy.policy import LabelRequirement, OperatorDefaults, TenantPolicy, as_s3_uri
from sagebridge.core.tenancy.tenant import NAMESPACE_FIELD, Tenant, tenant_for

__all__ = [
    "NAMESPACE_FIELD",
    "LabelRequirement",
    "OperatorDefaults",
    "Tenant",
    "TenantPolicy",
    "as_s3_uri",
    "check_account",
    "check_operator_reads",
    "check_region",
    "check_role",
    "check_roles",
    "check_s3_uris",
    "tenant_for",
]
