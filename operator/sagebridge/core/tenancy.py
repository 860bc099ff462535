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

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.locations import Location, location_of

NAMESPACE_FIELD: Final = "metadata.namespace"
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_MOST_NAMED: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRequirement:
    """One condition on a label, as in a label selector's matchExpressions.

    Attributes:
        key: the label's name.
        operator: In, NotIn, Exists or DoesNotExist.
        values: what it is compared with, for In and NotIn.
    """

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fulfil it; an operator that isn't known holds for none."""
        test = _OPERATORS.get(self.operator)
        return test is not None and test(self, labels)


_OPERATORS: Final[Mapping[str, Callable[[LabelRequirement, Mapping[str, str]], bool]]] = {
    "In": lambda own, labels: labels.get(own.key) in own.values,
    "NotIn": lambda own, labels: labels.get(own.key) not in own.values,
    "Exists": lambda own, labels: own.key in labels,
    "DoesNotExist": lambda own, labels: own.key not in labels,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorDefaults:
    """The operator's own settings, which hold where no policy says otherwise.

    Attributes:
        region: default AWS region.
        role_arn: default execution role.
        allowed_roles: execution roles that manifests may name besides.
        bucket: default bucket, as ``bucket``, ``s3://bucket`` or ``s3://bucket/prefix``.
    """

    region: str
    role_arn: str | None = None
    allowed_roles: tuple[str, ...] = ()
    bucket: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TenantPolicy:
    """A TenantPolicy object; None where it says nothing.

    Attributes:
        name: of the object.
        requirements: what labels a namespace must have; None selects no namespace, an empty tuple every one.
        regions: AWS regions, the default first.
        account_id: the account that the operator must work in.
        assume_role_arn: the role that the operator assumes.
        external_id: sent with AssumeRole.
        default_role: the execution role of jobs that name none.
        allowed_roles: the execution roles that may be named, with the default.
        default_bucket: ``s3://bucket`` or ``s3://bucket/prefix``.
        allowed_prefixes: where jobs may read and write, with the default.
        allow_adopt: whether untagged jobs may be taken over.
    """

    name: str
    requirements: tuple[LabelRequirement, ...] | None
    regions: tuple[str, ...] | None = None
    account_id: str | None = None
    assume_role_arn: str | None = None
    external_id: str | None = None
    default_role: str | None = None
    allowed_roles: tuple[str, ...] | None = None
    default_bucket: str | None = None
    allowed_prefixes: tuple[str, ...] | None = None
    allow_adopt: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> TenantPolicy:
        """Read a TenantPolicy object as the API server gives it."""
        spec: Mapping[str, Any] = body.get("spec") or {}
        assume_role = spec.get("assumeRole") or {}
        roles: Mapping[str, Any] | None = spec.get("executionRoles")
        buckets: Mapping[str, Any] | None = spec.get("buckets")
        return cls(
            name=body["metadata"]["name"],
            requirements=_requirements(spec.get("namespaceSelector")),
            regions=tuple(spec["regions"]) if spec.get("regions") else None,
            account_id=spec.get("accountId"),
            assume_role_arn=assume_role.get("roleArn"),
            external_id=assume_role.get("externalId"),
            default_role=(roles or {}).get("default"),
            allowed_roles=None if roles is None else _with_default(roles, "allowed"),
            default_bucket=as_s3_uri((buckets or {}).get("default")),
            allowed_prefixes=None if buckets is None else _with_default(buckets, "allowedPrefixes", as_s3_uri),
            allow_adopt=spec.get("allowAdopt") is True,
        )

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Whether it is for a namespace with these labels."""
        return self.requirements is not None and all(requirement.holds(labels) for requirement in self.requirements)


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


def check_region(tenant: Tenant, region: str, *, field: str) -> None:
    """Let a region through only if the tenant may use it.

    Raises:
        NotAllowedError: it may not, or it is no region.
    """
    if not _REGION.fullmatch(region):
        raise NotAllowedError(field, f"{region!r} is not the name of an AWS region. Set spec.region, e.g. us-east-1.")
    if tenant.regions is not None and region not in tenant.regions:
        raise NotAllowedError(
            field,
            f"Region {region} is not allowed by {tenant.authority}, which allows {_named(tenant.regions)}. "
            "Use one of these, or ask a cluster administrator to allow it.",
        )


def check_role(tenant: Tenant, role_arn: str, *, field: str) -> None:
    """Let an execution role through only if it is on the tenant's list, letter for letter.

    Raises:
        NotAllowedError: it isn't, or it is no role's ARN.
    """
    if not _ROLE.fullmatch(role_arn):
        raise NotAllowedError(
            field, f"{role_arn!r} is not the ARN of an IAM role, e.g. arn:aws:iam::123456789012:role/NAME."
        )
    if role_arn not in tenant.allowed_roles:
        raise NotAllowedError(
            field,
            f"Execution role {role_arn} is not allowed by {tenant.authority}, which allows "
            f"{_named(tenant.allowed_roles)}. Use one of these, or ask a cluster administrator to allow it.",
        )


def check_roles(tenant: Tenant, spec: Mapping[str, Any], *, root: str = "spec") -> None:
    """Let a spec through only if every role that it passes on is on the tenant's list.

    Args:
        tenant: whose spec it is.
        spec: a resolved spec, in lowerCamelCase; looked at is every field whose name ends with ``roleArn``.
        root: how the paths of fields begin in messages.

    Raises:
        NotAllowedError: a role is not.
    """
    for field, value in _strings(spec, root):
        if field.lower().endswith("rolearn"):
            check_role(tenant, value, field=field)


def check_account(tenant: Tenant, account_id: str) -> None:
    """Let calls through only if they reach the account that the policy names.

    Raises:
        NotAllowedError: they reach another one.
    """
    if tenant.account_id is not None and account_id != tenant.account_id:
        raise NotAllowedError(
            NAMESPACE_FIELD,
            f"The operator's credentials lead to account {account_id}, but {tenant.authority} wants "
            f"{tenant.account_id}. Ask a cluster administrator to correct assumeRole or accountId.",
        )


def check_s3_uris(tenant: Tenant, spec: Mapping[str, Any], *, root: str = "spec") -> None:
    """Let a spec through only if every place on S3 that it names is under the tenant's prefixes.

    Looked at are all strings that are S3 URIs, S3 ARNs or S3 web addresses, and whatever stands in a field for S3,
    wherever it is. Of environment and hyperparameters only the names that begin with ``sagemaker_``, through which
    SageMaker's toolkits fetch code: the others mean something to the program alone, which runs with the execution
    role anyway. Tags are not looked at.

    Args:
        tenant: whose spec it is.
        spec: in lowerCamelCase; a manifest's, or a resolved one.
        root: how the paths of fields begin in messages.

    Raises:
        NotAllowedError: a place is outside, or is written so that it can't be told.
    """
    if tenant.allowed_prefixes is None:
        return
    for field, value in _strings(spec, root):
        location = location_of(value, field=field)
        if location is not None:
            _check_location(tenant, location)


def as_s3_uri(bucket: str | None) -> str | None:
    """Write ``bucket``, ``s3://bucket/`` and the like as ``s3://bucket[/prefix]``, without a slash at the end."""
    if not bucket:
        return None
    return "s3://" + bucket.removeprefix("s3://").strip("/")


def _check_location(tenant: Tenant, location: Location) -> None:
    if location.problem:
        raise NotAllowedError(location.field, f"{location.text}: {location.problem}")
    prefixes = tenant.allowed_prefixes or ()
    if any(location.is_under(prefix) for prefix in prefixes):
        return
    if any(location.is_prefix_itself(prefix) for prefix in prefixes):
        raise NotAllowedError(
            location.field,
            f"{location.text} also matches keys that only begin so, outside what {tenant.authority} allows. "
            "Write it with a slash at the end.",
        )
    raise NotAllowedError(
        location.field,
        f"{location.text} is outside what {tenant.authority} allows ({_named(prefixes)}). "
        "Use a place under one of these, or ask a cluster administrator to allow it.",
    )


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string of a spec that can name a place, with the path of its field."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            if key in _PROGRAM_MAPS:
                yield from _toolkit_settings(member, f"{path}.{key}")
            elif key not in _NEVER_PLACES:
                yield from _strings(member, f"{path}.{key}")
    elif isinstance(value, Sequence):
        for index, member in enumerate(value):
            yield from _strings(member, f"{path}[{index}]")


_PROGRAM_MAPS: Final = frozenset({"environment", "hyperParameters", "staticHyperParameters"})
_NEVER_PLACES: Final = frozenset({"tags"})


def _toolkit_settings(values: Any, path: str) -> Iterator[tuple[str, str]]:
    """What SageMaker's toolkits would fetch; script mode's values are JSON, so they may stand in quotes."""
    if not isinstance(values, Mapping):
        return
    for name, value in values.items():
        if isinstance(value, str) and str(name).lower().startswith("sagemaker_"):
            yield f"{path}.{name}", value.strip().strip("\"'").strip()


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


def _requirements(selector: Mapping[str, Any] | None) -> tuple[LabelRequirement, ...] | None:
    if selector is None:
        return None
    labels = selector.get("matchLabels") or {}
    return tuple(
        LabelRequirement(key=key, operator="In", values=frozenset({value})) for key, value in labels.items()
    ) + tuple(
        LabelRequirement(key=one["key"], operator=one["operator"], values=frozenset(one.get("values") or ()))
        for one in selector.get("matchExpressions") or ()
    )


def _with_default(
    section: Mapping[str, Any], member: str, convert: Callable[[str | None], str | None] = lambda text: text
) -> tuple[str, ...]:
    """The allowed ones with the default, each once, in order."""
    given = [section.get("default"), *(section.get(member) or ())]
    return tuple(dict.fromkeys(converted for text in given if (converted := convert(text))))


def _named(things: Sequence[str]) -> str:
    if not things:
        return "none"
    more = len(things) - _MOST_NAMED
    return ", ".join(things[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
