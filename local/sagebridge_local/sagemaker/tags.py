"""AddTags, ListTags and DeleteTags, for whatever has an ARN here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.jobs import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.operations import Call
    from sagebridge_local.sagemaker.resources import Resource

MAX_TAGS: Final = 50
_RESERVED: Final = "aws:"


def check(tags: Sequence[Mapping[str, str]]) -> None:
    """Refuse repeated and reserved keys.

    Raises:
        ServiceError: ValidationException.
    """
    repeated = [key for key, count in Counter(tag["Key"] for tag in tags).items() if count > 1]
    if repeated:
        raise errors.validation(f"Duplicate tag keys found. Please remove: {', '.join(repeated)}")
    for tag in tags:
        if tag["Key"].lower().startswith(_RESERVED):
            raise errors.validation(f"Tag key {tag['Key']} is invalid: keys that start with aws: are reserved")


def add_tags(call: Call) -> dict[str, Any]:
    """Set tags; the reply lists those of the request."""
    tags = call.request["Tags"]
    check(tags)
    held = _tagged(call).tags
    merged = held | {tag["Key"]: tag["Value"] for tag in tags}
    if len(merged) > MAX_TAGS:
        raise errors.ServiceError(errors.RESOURCE_LIMIT_EXCEEDED, f"A resource can have at most {MAX_TAGS} tags")
    held.update(merged)
    return {"Tags": tags}


def list_tags(call: Call) -> dict[str, Any]:
    """A page of a resource's tags."""
    tags = [{"Key": key, "Value": value} for key, value in _tagged(call).tags.items()]
    token = call.request.get("NextToken")
    start = tokens.decode(token, request=call.request)[0] if token else 0
    end = start + call.request.get("MaxResults", MAX_TAGS)
    reply: dict[str, Any] = {"Tags": tags[start:end]}
    if end < len(tags):
        reply["NextToken"] = tokens.encode([end], request=call.request)
    return reply


def delete_tags(call: Call) -> dict[str, Any]:
    """Remove tags by their keys; keys that are not there are ignored."""
    held = _tagged(call).tags
    for key in call.request["TagKeys"]:
        held.pop(key, None)
    return {}


def _tagged(call: Call) -> Job | Resource:
    """The resource of the request's ARN, which must be of the caller's account and region."""
    given: str = call.request["ResourceArn"]
    _, _, _, region, account, resource = given.split(":", 5)
    job = call.service.store.find_by_arn(resource=resource, account=account, region=region)
    if job is None or (account, region) != (call.account, call.region) or job.arn != given:
        raise errors.validation(f"Requested resource not found: {given}")
    return job


HANDLERS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "AddTags": add_tags,
    "ListTags": list_tags,
    "DeleteTags": delete_tags,
}
