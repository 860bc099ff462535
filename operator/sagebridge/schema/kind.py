"""What a kind declares about its manifest; everything else is generated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "sagebridge.io"
VERSION = "v1alpha1"
CATEGORY = "sagebridge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A CEL rule of the schema.

    Attributes:
        rule: The expression that must hold; `self` is the value at `at`.
        message: What is wrong and what to do about it, for the user who sees `kubectl apply` fail.
        at: Where in `spec` the rule sits, with `[]` after lists: `inputDataConfig[].dataSource`; empty for `spec`.
    """

    rule: str
    message: str
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column of `kubectl get`; a wide one is shown with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    description: str = ""
    wide: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class KindSchema:
    """The manifest of a kind: one Create operation's request, and what Sagebridge puts on top.

    Attributes:
        kind: The kind, in the singular.
        plural: The resource's name in URLs and for kubectl.
        singular: What kubectl calls one; the kind in small letters if empty.
        short_names: For kubectl.
        description: One or two sentences for `kubectl explain`.
        operation: The Create operation whose request `spec` is; None where the whole of `spec` is in `fields`.
        describe_operation: The operation whose response fills the status; None without status.
        name_field: The field of `spec` that holds the name in SageMaker, in lowerCamelCase.
        optional_fields: Paths of what the API requires but a manifest need not give (see `openapi.request_schema`).
        fields: Schemas of further fields, by their paths in `spec` (`source`, `trainingJobDefinitions[].source`); one
            with the path of an API field replaces it.
        required_fields: Paths in `fields` that must be given.
        rules: CEL rules on `spec` or below.
        mutable_fields: Fields of `spec` that may change after the first attempt; None where everything may.
        status_fields: Members of the Describe response that the status shows, in lowerCamelCase.
        own_status_fields: Schemas of further status fields, by name; one of a member's name replaces its schema.
        omitted_fields: Members of the request that are not in `spec`, in lowerCamelCase.
        is_job: Whether it is done in attempts, and ends.
        scale: Whether there is a `scale` subresource, over `spec.replicas` and `status.replicas`.
        columns: Columns of `kubectl get`, AGE excepted, which always comes last.
        scope: Namespaced, unless tenants must not write it.
    """

    kind: str
    plural: str
    description: str
    singular: str = ""
    short_names: tuple[str, ...] = ()
    operation: str | None = None
    describe_operation: str | None = None
    name_field: str = ""
    optional_fields: frozenset[str] = frozenset()
    fields: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    required_fields: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    mutable_fields: tuple[str, ...] | None = None
    status_fields: tuple[str, ...] = ()
    own_status_fields: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    omitted_fields: frozenset[str] = frozenset()
    is_job: bool = True
    scale: bool = False
    columns: tuple[Column, ...] = ()
    scope: Literal["Namespaced", "Cluster"] = "Namespaced"

    @property
    def crd_name(self) -> str:
        """The name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"
