"""Resources that are no jobs (models, endpoint configurations, endpoints), by name in each account and region."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sagebridge_local.sagemaker import errors, wire
from sagebridge_local.sagemaker.jobs import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_PAGE: Final = 10


@dataclass(slots=True, kw_only=True, eq=False)
class Resource:
    """One resource: what was asked, and when. Times are seconds since the epoch."""

    name: str
    arn: str
    account: str
    region: str
    request: Mapping[str, Any]
    creation_time: float
    last_modified_time: float
    tags: dict[str, str] = field(default_factory=dict)


R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """A kind of resource.

    Attributes:
        name: Its API name, such as EndpointConfig.
        arn_path: The resource part of its ARNs.
        words: What the service's messages call it.
    """

    name: str
    arn_path: str
    words: str

    @property
    def name_field(self) -> str:
        """The member that carries its name."""
        return f"{self.name}Name"

    @property
    def arn_field(self) -> str:
        """The member that carries its ARN."""
        return f"{self.name}Arn"

    def arn(self, name: str, *, account: str, region: str) -> str:
        """The ARN of a name; ARNs of these resources are in lower case."""
        path = f"{self.arn_path}/{name.lower()}"
        return f"arn:{wire.partition(region)}:sagemaker:{region}:{account}:{path}"


MODEL: Final = ResourceKind(name="Model", arn_path="model", words="model")
ENDPOINT_CONFIG: Final = ResourceKind(name="EndpointConfig", arn_path="endpoint-config", words="endpoint configuration")
ENDPOINT: Final = ResourceKind(name="Endpoint", arn_path="endpoint", words="endpoint")
KINDS: Final = (MODEL, ENDPOINT_CONFIG, ENDPOINT)


class ResourceTable(Generic[R]):
    """The resources of one kind in one account and region, in the order of their creation."""

    def __init__(self, kind: ResourceKind, *, account: str, region: str) -> None:
        self.kind = kind
        self._account = account
        self._region = region
        self._by_name: dict[str, R] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> R | None:
        """The resource of that name; case does not matter, as ARNs have none."""
        return self._by_name.get(name.lower())

    def find(self, name: str) -> R:
        """The resource of that name.

        Raises:
            ServiceError: ValidationException `Could not find model "ARN".`
        """
        found = self.get(name)
        if found is None:
            raise errors.validation(f'Could not find {self.kind.words} "{self.arn(name)}".')
        return found

    def check_free(self, name: str) -> None:
        """Refuse a name that is taken.

        Raises:
            ServiceError: ValidationException `Cannot create already existing model "ARN".`
        """
        if self.get(name) is not None:
            raise errors.validation(f'Cannot create already existing {self.kind.words} "{self.arn(name)}".')

    def arn(self, name: str) -> str:
        """The ARN of a name."""
        return self.kind.arn(name, account=self._account, region=self._region)

    def add(self, resource: R) -> None:
        """Add a resource whose name is free."""
        self._by_name[resource.name.lower()] = resource

    def remove(self, resource: R) -> None:
        """Forget a resource."""
        del self._by_name[resource.name.lower()]

    def all(self) -> list[R]:
        """All resources, oldest first."""
        return list(self._by_name.values())


def list_resources(
    table: ResourceTable[R],
    request: Mapping[str, Any],
    *,
    summarise: Callable[[R], dict[str, Any]],
    member: str,
    status: Callable[[R], str] | None = None,
) -> dict[str, Any]:
    """Answer a List request: filtered, then sorted, then cut into pages.

    Args:
        table: the resources of the account and region.
        request: a request that the model allows.
        summarise: one element of the reply.
        member: the reply's member.
        status: for StatusEquals and for sorting by status.

    Raises:
        ServiceError: ValidationException for a NextToken that is not of this query.
    """
    found = [resource for resource in table.all() if _chosen(resource, request, status)]
    order = {
        "Name": lambda resource: (resource.name, 0.0),
        "Status": lambda resource: (status(resource) if status else "", resource.creation_time),
    }.get(request.get("SortBy", "CreationTime"), lambda resource: (resource.creation_time, resource.name))
    found.sort(key=order, reverse=request.get("SortOrder", "Descending") == "Descending")
    token = request.get("NextToken")
    start = tokens.decode(token, request=request)[0] if token else 0
    end = start + request.get("MaxResults", DEFAULT_PAGE)
    reply: dict[str, Any] = {member: [summarise(resource) for resource in found[start:end]]}
    if end < len(found):
        reply["NextToken"] = tokens.encode([end], request=request)
    return reply


def _chosen(resource: R, request: Mapping[str, Any], status: Callable[[R], str] | None) -> bool:
    created, modified = resource.creation_time, resource.last_modified_time
    wanted = request.get("StatusEquals")
    bounds = (
        request.get("CreationTimeAfter", created - 1) < created < request.get("CreationTimeBefore", created + 1),
        request.get("LastModifiedTimeAfter", modified - 1)
        < modified
        < request.get("LastModifiedTimeBefore", modified + 1),
        request.get("NameContains", "").lower() in resource.name.lower(),
        wanted is None or status is None or status(resource) == wanted,
    )
    return all(bounds)
