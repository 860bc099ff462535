"""A tenant: what holds for one namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.tenancy.policy import OperatorDefaults, TenantPolicy, as_s3_uri

NAMESPACE_FIELD: Final = "metadata.namespace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """What one namespace may do.

    Attributes:
        regions: the regions it may use; None for any.
        default_region: where jobs run that name none.
        default_role: the execution role of jobs that name none, if any.
        allowed_roles: the execution roles that may be named, exactly.
        default_bucket: ``s3://bucket[/prefix]`` for what names no place, if any.
        allowed_prefixes: ``s3://bucket[/prefix]`` that may be read and written; None for any.
        assume_role_arn: the role that the operator assumes for its calls, if any.
        external_id: sent with AssumeRole, if any.
        allow_adopt: whether untagged jobs may be taken over.
        account_id: the account that the operator must work in, if that is said.
        policy_name: the policy that says so; None for the operator's settings.
    """

    regions: tuple[str, ...] | None
    default_region: str
    default_role: str | None
    allowed_roles: tuple[str, ...]
    default_bucket: str | None
    allowed_prefixes: tuple[str, ...] | None
    assume_role_arn: str | None = None
    external_id: str | None = None
    allow_adopt: bool = False
    account_id: str | None = None
    policy_name: str | None = None

    @property
    def authority(self) -> str:
        """Who says so, in words."""
        return f"tenant policy {self.policy_name}" if self.policy_name else "the operator's settings"


def own_places(tenant: Tenant, namespace: str) -> tuple[str, ...]:
    """Where the operator puts a namespace's code and models, and its jobs their output, by default."""
    if not tenant.default_bucket:
        return ()
    root = tenant.default_bucket.rstrip("/")
    code = f"{root}/sagebridge/{namespace}"
    # The output of a namespace called sagebridge would lie above everybody's code.
    return (code,) if namespace == "sagebridge" else (code, f"{root}/{namespace}")


def tenant_for(
    *,
    namespace: str,
    labels: Mapping[str, str],
    policies: Sequence[TenantPolicy],
    defaults: OperatorDefaults,
) -> Tenant:
    """What a namespace may do.

    Args:
        namespace: its name.
        labels: its labels, as the API server has them now; empty when it was not seen yet.
        policies: every policy there is.
        defaults: the operator's settings.

    Raises:
        NotAllowedError: no policy selects it, or several do.
    """
    if not policies:
        return _tenant_by_default(defaults)
    if not labels:
        # Every namespace has kubernetes.io/metadata.name. Without labels, NotIn and DoesNotExist would hold for all.
        raise NotAllowedError(NAMESPACE_FIELD, f"The labels of namespace {namespace} are not known yet.")
    selecting = sorted((policy for policy in policies if policy.selects(labels)), key=lambda policy: policy.name)
    if not selecting:
        raise NotAllowedError(
            NAMESPACE_FIELD,
            f"No tenant policy selects namespace {namespace}, so it may not use AWS. "
            "Ask a cluster administrator to label the namespace or to change a TenantPolicy's namespaceSelector.",
        )
    if len(selecting) > 1:
        names = ", ".join(policy.name for policy in selecting)
        raise NotAllowedError(
            NAMESPACE_FIELD,
            f"Several tenant policies select namespace {namespace}: {names}. "
            "Ask a cluster administrator to change their namespaceSelectors so that one does.",
        )
    return _tenant_by_policy(selecting[0], defaults)


def _tenant_by_default(defaults: OperatorDefaults) -> Tenant:
    return Tenant(
        regions=None,
        default_region=defaults.region,
        default_role=defaults.role_arn,
        allowed_roles=_default_roles(defaults),
        default_bucket=as_s3_uri(defaults.bucket),
        allowed_prefixes=None,
        allow_adopt=False,
    )


def _tenant_by_policy(policy: TenantPolicy, defaults: OperatorDefaults) -> Tenant:
    regions = policy.regions or (defaults.region,)
    allowed_roles = _default_roles(defaults) if policy.allowed_roles is None else policy.allowed_roles
    default_role = policy.default_role or (defaults.role_arn if defaults.role_arn in allowed_roles else None)
    return Tenant(
        regions=regions,
        default_region=regions[0],
        default_role=default_role,
        allowed_roles=allowed_roles,
        default_bucket=as_s3_uri(defaults.bucket) if policy.allowed_prefixes is None else policy.default_bucket,
        allowed_prefixes=policy.allowed_prefixes,
        assume_role_arn=policy.assume_role_arn,
        external_id=policy.external_id,
        allow_adopt=policy.allow_adopt,
        account_id=policy.account_id,
        policy_name=policy.name,
    )


def _default_roles(defaults: OperatorDefaults) -> tuple[str, ...]:
    own = (defaults.role_arn,) if defaults.role_arn else ()
    return tuple(dict.fromkeys((*own, *defaults.allowed_roles)))
