"""The members of runtime requests, which come as headers: checked as botocore's model has them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors, model
from sagebridge_local.sagemaker.endpoints import replies
from sagebridge_local.sagemaker.validation import Request, compile_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SERVICE: Final = "sagemaker-runtime"


def check(operation: str, *, name: str, headers: Mapping[str, str]) -> None:
    """Refuse members that the model does not allow.

    Args:
        operation: The API's name.
        name: EndpointName.
        headers: The headers, in lower case.

    Raises:
        ServiceError: ValidationError.
    """
    # A body may be empty; how long it may be is looked at elsewhere.
    given: dict[str, Any] = {"EndpointName": name, "Body": ""}
    for header, (member, convert) in _members(operation).items():
        if header in headers:
            given[member] = convert(headers[header])
    try:
        _validator(operation)(given)
    except errors.ServiceError as error:
        raise replies.invalid(error.message) from error


@cache
def _members(operation: str) -> dict[str, tuple[str, Callable[[str], Any]]]:
    """Header -> the member, and how its value is read."""
    shape: Any = model.service_model(_SERVICE).operation_model(operation).input_shape
    return {
        each.serialization["name"].lower(): (member, _number if each.type_name == "integer" else str)
        for member, each in shape.members.items()
        if each.serialization.get("location") == "header"
    }


@cache
def _validator(operation: str) -> Callable[[Request], None]:
    return compile_request(model.service_model(_SERVICE).operation_model(operation).input_shape)


def _number(given: str) -> int | str:
    return int(given) if given.lstrip("-").isdecimal() else given
