"""Models in SageMaker: made, looked at, deleted. Each step can be taken again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.serving import Repack
from sagebridge.schema.convert import ConversionError, to_request
from sagebridge.targets.protocol import Handle, NameConflictError, NotOwnedError
from sagebridge.targets.sagemaker.caller import Caller, malformed
from sagebridge.targets.sagemaker.owned import arn_of, assert_same_account
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.targets.sagemaker.tags import list_tags


class SageMakerModels:
    """Implements `sagebridge.targets.protocol.Models`."""

    def __init__(self, *, caller: Caller, repacker: Repacker) -> None:
        self._caller = caller
        self._repacker = repacker

    async def make(self, handle: Handle, *, name: str, spec: Mapping[str, Any]) -> str:
        """See `Models.make`."""
        try:
            request = to_request("CreateModel", {**spec, "modelName": name}, path="spec.model")
        except ConversionError as error:
            raise SpecError(error.path, error.message) from error
        try:
            reply = await self._caller.call(handle, "CreateModel", request)
        except AwsError as error:
            if error.error_class is not ErrorClass.CONFLICT:
                raise
            return await self._take_over(handle, name)
        if not isinstance(reply.get("ModelArn"), str):
            raise malformed("CreateModel", "ModelArn")
        return str(reply["ModelArn"])

    async def remove(self, handle: Handle, *, name: str) -> None:
        """See `Models.remove`."""
        try:
            tags = await list_tags(self._caller, handle, await arn_of(self._caller, handle, "model", name))
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            await assert_same_account(self._caller, handle, what=f"The model {name}", remedy="delete the model")
            return
        if not handle.owner.owns(tags):
            raise NotOwnedError(f"The model {name} does not carry this object's tags; it is left alone.")
        try:
            await self._caller.call(handle, "DeleteModel", {"ModelName": name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise

    async def role_of(self, handle: Handle, *, name: str) -> str | None:
        """See `Models.role_of`."""
        try:
            reply = await self._caller.call(handle, "DescribeModel", {"ModelName": name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            return None
        return str(reply.get("ExecutionRoleArn") or "")

    async def repack(self, handle: Handle, repack: Repack, *, uri: str) -> None:
        """See `Models.repack`."""
        await self._repacker.repack(handle, repack, uri=uri)

    async def _take_over(self, handle: Handle, name: str) -> str:
        """The model of that name, if it is this object's: then its content, after which it is named, is the same."""
        arn = await arn_of(self._caller, handle, "model", name)
        if not handle.owner.owns(await list_tags(self._caller, handle, arn)):
            raise NameConflictError(f"A model {name} is there already and is not this object's. Rename this object.")
        return arn
