"""What says what a namespace may do: a TenantPolicy object, or the operator's own settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


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


def as_s3_uri(bucket: str | None) -> str | None:
    """Write ``bucket``, ``s3://bucket/`` and the like as ``s3://bucket[/prefix]``, without a slash at the end."""
    if not bucket:
        return None
    return "s3://" + bucket.removeprefix("s3://").strip("/")


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
