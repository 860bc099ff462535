"""What a tenant asks for, held against what it may."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.locations import Location, location_of
from sagebridge.core.tenancy.tenant import NAMESPACE_FIELD, Tenant, own_places

# https://docs.aws.amazon.com/general/latest/gr/rande.html
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
_MOST_NAMED: Final = 5


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


def check_operator_reads(
    tenant: Tenant, places: Mapping[str, str], *, namespace: str, made_here: str | None = None
) -> None:
    """Let the operator read places on S3 for a tenant only if the tenant may have what lies there.

    Elsewhere a policy that names no prefixes leaves S3 to the execution role. What the operator reads it reads as
    itself, so without prefixes only the namespace's own places remain. While there is no policy, there is one tenant.

    Args:
        tenant: whom it is read for.
        places: S3 URIs by the path of their field.
        namespace: the tenant's.
        made_here: the model of another object of the namespace, which it refers to.

    Raises:
        NotAllowedError: a place may be somebody else's.
    """
    if tenant.allowed_prefixes is None and tenant.policy_name is None:
        return
    for field, uri in places.items():
        location = location_of(uri, field=field)
        if location is not None and tenant.allowed_prefixes is not None:
            _check_location(tenant, location)
        elif uri != made_here:
            _check_own(tenant, location, field=field, own=own_places(tenant, namespace))


def _check_own(tenant: Tenant, location: Location | None, *, field: str, own: Sequence[str]) -> None:
    if location is not None and not location.problem and any(location.is_under(place) for place in own):
        return
    raise NotAllowedError(
        field,
        f"The operator would have to read this itself, and {tenant.authority} does not say what it may read for this "
        "namespace. Ask a cluster administrator for buckets.allowedPrefixes in it"
        + (f", or use a place under {_named(own)}." if own else "."),
    )


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


def _named(things: Sequence[str]) -> str:
    if not things:
        return "none"
    more = len(things) - _MOST_NAMED
    return ", ".join(things[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
