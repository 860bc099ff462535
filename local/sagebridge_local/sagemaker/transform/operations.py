"""CreateTransformJob: a job, with the model that it names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import wire
from sagebridge_local.sagemaker.jobs import operations
from sagebridge_local.sagemaker.resources import MODEL
from sagebridge_local.transform.job import MODEL_MEMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.operations import Call, Handler

CREATE: Final = "CreateTransformJob"


def create(call: Call) -> dict[str, Any]:
    """Accept a job. It keeps the model as it is now: deleting the model later does not matter to it.

    Raises:
        ServiceError: ValidationException `Could not find model "ARN".`, and what any job's creation raises.
    """
    model: Mapping[str, Any] = call.resources(MODEL).find(call.request["ModelName"]).request
    nobody = f"arn:{wire.partition(call.region)}:iam::{call.account}:role/none"
    # Neither is a member of CreateTransformJob, so no reply shows them.
    request = {**call.request, MODEL_MEMBER: model, "RoleArn": model.get("ExecutionRoleArn", nobody)}
    return operations.create(replace(call, request=request), call.table("TransformJob"))


HANDLERS: Final[Mapping[str, Handler]] = {CREATE: create}
