"""Tags of SageMaker's resources, which no Describe tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller, malformed


async def list_tags(caller: Caller, handle: Handle, arn: str) -> dict[str, str]:
    """All tags of a resource, key to value.

    Raises:
        sagebridge.core.errors.AwsError: whatever went wrong.
    """
    tags: dict[str, str] = {}
    token = ""
    while True:
        request = {"ResourceArn": arn} | ({"NextToken": token} if token else {})
        reply = await caller.call(handle, "ListTags", request)
        if not isinstance(reply.get("Tags"), list):
            # Taken for "no tags", it would say that the resource is somebody else's.
            raise malformed("ListTags", "Tags")
        tags |= {tag["Key"]: tag["Value"] for tag in reply["Tags"]}
        token = reply.get("NextToken") or ""
        if not token:
            return tags


async def change_tags(
    caller: Caller, handle: Handle, arn: str, *, tags: Mapping[str, str], remove: Sequence[str] = ()
) -> None:
    """Set tags of a resource, and take off the keys in `remove`.

    Raises:
        sagebridge.core.errors.AwsError: whatever went wrong.
    """
    if tags:
        await caller.call(handle, "AddTags", {"ResourceArn": arn, "Tags": listed(tags)})
    if remove:
        await caller.call(handle, "DeleteTags", {"ResourceArn": arn, "TagKeys": list(remove)})


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as SageMaker takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
