"""An endpoint's answer to a request: over the cluster's network, or through SageMaker's runtime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge_kfp.credentials import REMEDY, is_denied
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.run import StepFailedError

_LONGEST_EXCERPT: Final = 1000
_MESH_REFUSAL: Final = b"RBAC: access denied"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        body: as it goes over the wire.
        content_type: what it is.
        accept: what is wanted back; empty for what the model gives.
        target_variant, target_model: of SageMaker's own; empty for whichever serves.
        timeout_seconds: how long the answer may take.
    """

    body: bytes
    content_type: str
    accept: str = ""
    target_variant: str = ""
    target_model: str = ""
    timeout_seconds: int = 60


def invoke(endpoint: Mapping[str, Any], request: Request) -> bytes:
    """Send a request to an endpoint and return the answer's body.

    Args:
        endpoint: the whole Endpoint object.
        request: what to send.

    Raises:
        InputError: the request asks for what this endpoint can't do.
        StepFailedError: there is no such endpoint yet, the caller may not invoke it, or it answers with an error.
    """
    if endpoint["spec"].get("target") == "Cluster":
        return _over_the_network(endpoint, request)
    return _through_sagemaker(endpoint, request)


def _over_the_network(endpoint: Mapping[str, Any], request: Request) -> bytes:
    for field in ("target_variant", "target_model"):
        if getattr(request, field):
            raise InputError(field, "is SageMaker's: an endpoint on the cluster has one variant and one model")
    url = _invocations(_status(endpoint, "url"))
    headers = {"Content-Type": request.content_type, **({"Accept": request.accept} if request.accept else {})}
    try:
        answer = urllib3.PoolManager().request(
            "POST",
            url,
            body=request.body,
            headers=headers,
            timeout=request.timeout_seconds,
            retries=urllib3.Retry(total=None, connect=1, read=False, redirect=False),
        )
    except urllib3.exceptions.HTTPError as error:
        raise StepFailedError(f"{url} does not answer: {error}") from error
    if not 200 <= answer.status < 300:
        raise StepFailedError(f"{url} answered {answer.status}: {_excerpt(answer.data)}{_of_the_mesh(answer.data)}")
    return answer.data


def _invocations(url: str) -> str:
    return url if url.endswith("/invocations") else f"{url.rstrip('/')}/invocations"


def _excerpt(body: bytes) -> str:
    return body[:_LONGEST_EXCERPT].decode(errors="replace")


def _of_the_mesh(body: bytes) -> str:
    """What it means where Istio has answered. Kubeflow Pipelines keeps its proxy out of the pods of steps."""
    if body.strip() != _MESH_REFUSAL:
        return ""
    return (
        " (Istio's words: a step is no part of the mesh, so an AuthorizationPolicy of the namespace has to allow POST "
        "/invocations of the endpoint's pods)"
    )


def _through_sagemaker(endpoint: Mapping[str, Any], request: Request) -> bytes:
    name = _status(endpoint, "endpointName")
    optional = {
        "Accept": request.accept,
        "TargetVariant": request.target_variant,
        "TargetModel": request.target_model,
    }
    try:
        answer = _runtime(endpoint, request.timeout_seconds).invoke_endpoint(
            EndpointName=name,
            Body=request.body,
            ContentType=request.content_type,
            **{key: value for key, value in optional.items() if value},
        )
        body: bytes = answer["Body"].read()
    except (ClientError, BotoCoreError) as error:
        raise StepFailedError(_problem(error, endpoint, name)) from error
    return body


def _runtime(endpoint: Mapping[str, Any], timeout_seconds: int) -> Any:
    # An answer that takes too long would be waited for again, five times in all.
    config = Config(read_timeout=timeout_seconds, retries={"total_max_attempts": 1})
    session = boto3.session.Session(region_name=_status(endpoint, "region"))
    return session.client("sagemaker-runtime", config=config)


def _problem(error: Exception, endpoint: Mapping[str, Any], name: str) -> str:
    if not is_denied(error):
        return f"{_what_happened(error, name)}: {error}"
    arn = endpoint["status"].get("endpointArn") or "the endpoint"
    return (
        f"the step may not invoke the endpoint {name} in SageMaker ({error}). It asks AWS itself: {REMEDY} "
        f"sagemaker:InvokeEndpoint on {arn}"
    )


def _what_happened(error: Exception, name: str) -> str:
    if not isinstance(error, ClientError):
        return f"the endpoint {name} gave no answer"
    # The one error that is the container's own; the others are SageMaker's.
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
    if error.response["Error"]["Code"] == "ModelError":
        return f"the endpoint {name} answered with an error"
    return f"SageMaker refused to invoke the endpoint {name}"


def _status(endpoint: Mapping[str, Any], field: str) -> str:
    status = endpoint.get("status") or {}
    if status.get(field):
        return str(status[field])
    ready: Mapping[str, Any] = next((each for each in status.get("conditions") or () if each["type"] == "Ready"), {})
    why = f"{ready.get('reason', 'Unknown')}: {ready.get('message', '')}".rstrip(": ")
    raise StepFailedError(f"the endpoint {endpoint['metadata']['name']} has no {field} yet ({why})")
