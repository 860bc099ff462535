"""One kind's jobs on SageMaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.names import TAG_ADOPTED, is_owned_by_anyone, without_ownership
from sagebridge.core.observation import Observation, Phase
from sagebridge.kinds.kind import Children, JobKind
from sagebridge.schema.convert import ConversionError, from_response, to_request
from sagebridge.targets.protocol import Handle, Models, NameConflictError, NotOwnedError, Submission
from sagebridge.targets.sagemaker.caller import Caller, malformed
from sagebridge.targets.sagemaker.owned import arn_of, assert_same_account
from sagebridge.targets.sagemaker.sweep import PAGE, Sweeper
from sagebridge.targets.sagemaker.tags import change_tags, list_tags


class SageMakerTarget:
    """Implements `sagebridge.targets.protocol.Target` by the kind's SageMaker operations."""

    def __init__(self, *, kind: JobKind, caller: Caller, models: Models | None = None) -> None:
        self._kind = kind
        self._caller = caller
        self.models = models if kind.model_of else None
        self._sweeper = Sweeper(kind=kind, caller=caller, describe=self.describe)

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        """See `Target.submit`."""
        kind = self._kind
        try:
            request = to_request(kind.create, spec)
        except ConversionError as error:
            raise SpecError(error.path, error.message) from error
        try:
            reply = await self._caller.call(handle, kind.create, request)
        except AwsError as error:
            if error.error_class is not ErrorClass.CONFLICT:
                raise
            return await self._take_over(handle, adopt=adopt)
        if not isinstance(reply.get(kind.arn_member), str):
            raise malformed(kind.create, kind.arn_member)
        return Submission(arn=reply[kind.arn_member])

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """See `Target.observe`."""
        return await self._sweeper.sweep(handles)

    async def describe(self, handle: Handle) -> Observation:
        """See `Target.describe`."""
        kind = self._kind
        try:
            reply = await self._caller.call(handle, kind.describe, {kind.name_member: handle.name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            await assert_same_account(self._caller, handle, what=handle.name, remedy="end the job")
            return Observation(phase=Phase.GONE, whole=True)
        phase = kind.phases.get(str(reply.get(kind.status_member)))
        if phase is None:
            raise malformed(kind.describe, kind.status_member)
        return Observation(
            phase=phase,
            fields=from_response(kind.describe, reply, fields=kind.schema.status_fields)
            | await self._follow_up(handle, reply),
            whole=True,
            failure_reason=str(reply.get("FailureReason") or ""),
            changed_at=reply.get("LastModifiedTime"),
        )

    async def stop(self, handle: Handle) -> Observation:
        """See `Target.stop`."""
        try:
            await self._assert_owned(handle)
            await self._caller.call(handle, self._kind.stop, {self._kind.name_member: handle.name})
        except AwsError as error:
            if error.error_class in (ErrorClass.FAST_RETRY, ErrorClass.SLOW_RETRY):
                raise
            # Stopping a job that has ended is refused, with words that are not part of the API: look instead.
            seen = await self.describe(handle)
            if seen.phase is Phase.OPEN:
                raise
            return seen
        return Observation(phase=Phase.STOPPING, fields=self._kind.stopping_fields)

    async def delete(self, handle: Handle) -> None:
        """See `Target.delete`."""
        if not self._kind.delete:
            return
        try:
            tags = await self._assert_owned(handle)
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            await assert_same_account(self._caller, handle, what=handle.name, remedy="end the job")
            return
        if TAG_ADOPTED in tags:
            return
        if self._kind.children is not None:
            await self._delete_children(handle, self._kind.children)
        try:
            await self._caller.call(handle, self._kind.delete, {self._kind.name_member: handle.name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise

    async def settle(self, handle: Handle) -> None:
        """See `Target.settle`. SageMaker runs nothing again of what has ended."""

    async def _follow_up(self, handle: Handle, described: Mapping[str, Any]) -> dict[str, Any]:
        """What Describe leaves out; nothing of what is gone meanwhile."""
        fields: dict[str, Any] = {}
        for follow_up in self._kind.follow_ups:
            request = follow_up.request(described)
            if request is None:
                continue
            try:
                fields |= follow_up.fields(described, await self._caller.call(handle, follow_up.operation, request))
            except AwsError as error:
                if error.error_class is not ErrorClass.NOT_FOUND:
                    raise
        return fields

    async def _delete_children(self, handle: Handle, children: Children) -> None:
        """Delete what the job has started; the list is read anew if it is interrupted."""
        token = ""
        while True:
            request = {self._kind.name_member: handle.name, "MaxResults": PAGE} | (
                {"NextToken": token} if token else {}
            )
            reply = await self._caller.call(handle, children.list, request)
            if not isinstance(reply.get(children.summaries_member), list):
                raise malformed(children.list, children.summaries_member)
            for child in reply[children.summaries_member]:
                await self._delete_child(handle, children, child[children.name_member])
            token = reply.get("NextToken") or ""
            if not token:
                return

    async def _delete_child(self, handle: Handle, children: Children, name: str) -> None:
        try:
            await self._caller.call(handle, children.delete, {children.name_member: name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """See `Target.tag`."""
        await self._assert_owned(handle)
        await change_tags(self._caller, handle, await self._arn(handle), tags=tags, remove=remove)

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        """See `Target.tags_of`."""
        return await list_tags(self._caller, handle, await self._arn(handle))

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """See `Target.stage_source`."""
        return await self._caller.upload(handle, uri=uri, content=content)

    async def _take_over(self, handle: Handle, *, adopt: bool) -> Submission:
        arn = await self._arn(handle)
        tags = await list_tags(self._caller, handle, arn)
        if handle.owner.owns(tags):
            return Submission(arn=arn, adopted=TAG_ADOPTED in tags, tags=without_ownership(tags))
        if not is_owned_by_anyone(tags) and adopt and handle.tenant.allow_adopt:
            await change_tags(self._caller, handle, arn, tags={**handle.owner.tags(), TAG_ADOPTED: "true"})
            return Submission(arn=arn, adopted=True, tags=without_ownership(tags))
        raise NameConflictError(_conflict(handle, tags, adopt=adopt))

    async def _assert_owned(self, handle: Handle) -> Mapping[str, str]:
        tags = await self.tags_of(handle)
        if not handle.owner.owns(tags):
            raise NotOwnedError(f"{handle.name} does not carry this object's tags; it is left alone.")
        return tags

    async def _arn(self, handle: Handle) -> str:
        return await arn_of(self._caller, handle, self._kind.arn_resource, handle.name)


def _conflict(handle: Handle, tags: Mapping[str, str], *, adopt: bool) -> str:
    if is_owned_by_anyone(tags):
        return f"{handle.name} belongs to another Sagebridge object. Choose another name."
    if not adopt:
        return (
            f"{handle.name} is there already and is not ours. Choose another name, or annotate this object with "
            'sagebridge.io/adopt: "true" to take it over.'
        )
    return f"{handle.name} is there already, and this namespace's tenant policy does not allow taking it over."
