"""What a job uses in AWS by its name there, whoever made it: looked at before it is recorded, and before it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sagebridge.core import tenancy
from sagebridge.core.errors import AwsError, ErrorClass, NotAllowedError
from sagebridge.core.job import Place
from sagebridge.core.names import TAG_NAMESPACE, is_owned_by_anyone
from sagebridge.core.references import missing
from sagebridge.engine.failures import WaitingError
from sagebridge.engine.inputs import Inputs
from sagebridge.engine.parents import FIELD, NAME_IN_SAGEMAKER
from sagebridge.targets.protocol import Handle, Models, Target


async def check_borrowed(target: Target, inputs: Inputs) -> None:
    """See that a job may use what it names.

    Raises:
        NotAllowedError: the tenant may not.
        WaitingError: it is not there, or not yet.
        AwsError: it can't be looked at.
    """
    if target.models is not None and inputs.model is None and inputs.handle.place is Place.SAGEMAKER:
        await _check_model(target.models, inputs.handle, name=inputs.spec["modelName"])
    await _check_parents(target, inputs.handle, parents=inputs.status.get("parents") or ())


async def _check_model(models: Models, handle: Handle, *, name: str) -> None:
    """A model brings a role of its own: it must be one that the namespace may use."""
    role = await models.role_of(handle, name=name)
    if role is None:
        told = missing(f"the model {name}", where=f"in SageMaker in {handle.region}")
        raise WaitingError(f"spec.modelName: {told}")
    if role:
        tenancy.check_role(handle.tenant, role, field="spec.modelName")


async def _check_parents(target: Target, handle: Handle, *, parents: Sequence[Mapping[str, Any]]) -> None:
    """What another tenant's search has found is not for this one to learn."""
    if handle.tenant.policy_name is None:
        return
    for index, parent in enumerate(parents):
        if "uid" in parent:  # an object of this namespace
            continue
        name = str(parent[NAME_IN_SAGEMAKER])
        if await _is_of_another_namespace(target, replace(handle, name=name)):
            raise NotAllowedError(
                f"{FIELD}[{index}].{NAME_IN_SAGEMAKER}",
                f"{name} belongs to an object of another namespace. Learn from a tuning job of your own.",
            )


async def _is_of_another_namespace(target: Target, handle: Handle) -> bool:
    try:
        tags = await target.tags_of(handle)
    except AwsError as error:
        if error.error_class is not ErrorClass.NOT_FOUND:
            raise
        return False  # CreateHyperParameterTuningJob says that there is none
    return is_owned_by_anyone(tags) and tags.get(TAG_NAMESPACE) != handle.owner.namespace
