"""Access to the SageMaker service model that ships with botocore."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import botocore.session

if TYPE_CHECKING:
    from botocore.model import ServiceModel, StructureShape


class UnknownOperationError(LookupError):
    """The service model has no operation of that name."""


@cache
def service_model(service: str = "sagemaker") -> ServiceModel:
    """Load a service's model once a process.

    Args:
        service: botocore's name of the service.

    Returns:
        The parsed model of the newest API version in the installed botocore.
    """
    return botocore.session.Session().get_service_model(service)


@cache
def input_shape(operation: str) -> StructureShape:
    """Give the request shape of a SageMaker operation.

    Args:
        operation: The API's name, such as `CreateTrainingJob`.

    Raises:
        UnknownOperationError: The installed botocore does not know the operation, or it takes no request.
    """
    shape = _operation(operation).input_shape
    if shape is None:
        raise UnknownOperationError(f"{operation} takes no request")
    return shape  # type: ignore[no-any-return]


@cache
def output_shape(operation: str) -> StructureShape:
    """Give the response shape of a SageMaker operation.

    Args:
        operation: The API's name, such as `DescribeTrainingJob`.

    Raises:
        UnknownOperationError: The installed botocore does not know the operation, or its response is empty.
    """
    shape = _operation(operation).output_shape
    if shape is None:
        raise UnknownOperationError(f"{operation} returns nothing")
    return shape  # type: ignore[no-any-return]


def _operation(operation: str):  # type: ignore[no-untyped-def]
    model = service_model()
    if operation not in model.operation_names:
        raise UnknownOperationError(f"SageMaker has no operation {operation} in the installed botocore")
    return model.operation_model(operation)
