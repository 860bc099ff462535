"""SageMaker's operations as botocore describes them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session

from sagebridge_local.sagemaker.validation import Request, compile_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import ServiceModel


@cache
def service_model(service: str = "sagemaker") -> ServiceModel:
    """A service's model, read once (SageMaker's takes about 60 ms)."""
    return botocore.session.get_session().get_service_model(service)


@cache
def operation_names() -> frozenset[str]:
    """Every operation that SageMaker has."""
    return frozenset(service_model().operation_names)


@cache
def request_validator(operation: str) -> Callable[[Request], None]:
    """The compiled check of an operation's request; see `compile_request`."""
    return compile_request(service_model().operation_model(operation).input_shape)


@cache
def request_members(operation: str) -> tuple[str, ...]:
    """The members of an operation's request, in the model's order."""
    return _members(service_model().operation_model(operation).input_shape)


@cache
def reply_members(operation: str) -> tuple[str, ...]:
    """The members of an operation's reply, in the model's order."""
    return _members(service_model().operation_model(operation).output_shape)


@cache
def echoed_members(*, create: str, describe: str) -> tuple[str, ...]:
    """The members of a Create request that the Describe reply gives back unchanged."""
    given = frozenset(request_members(create))
    return tuple(member for member in reply_members(describe) if member in given)


@cache
def timestamp_members(operation: str) -> frozenset[str]:
    """The members of an operation's reply that are instants."""
    shape = service_model().operation_model(operation).output_shape
    members = shape.members if shape is not None else {}
    return frozenset(name for name, member in members.items() if member.type_name == "timestamp")


def _members(shape: Any) -> tuple[str, ...]:
    return tuple(shape.members) if shape is not None else ()
