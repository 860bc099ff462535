"""A request to an endpoint as a step."""

from pathlib import Path
from typing import Any, NamedTuple

from kfp.dsl import Artifact, Input, Output

from sagebridge_kfp.invocation import Request, invoke
from sagebridge_kfp.op import NOTHING, op
from sagebridge_kfp.payloads import answer_text, payload_body, payload_type
from sagebridge_kfp.step.run import get


class InvokeEndpointOutputs(NamedTuple):
    """What an invocation gives on."""

    response: str


@op(name="invoke-endpoint", caches=False)
def InvokeEndpointOp(  # noqa: N802, PLR0913
    *,
    body: Output[Artifact],
    endpoint: str,
    payload: str = "",
    payload_json: dict[str, Any] = NOTHING,
    payload_file: Input[Artifact] = None,
    content_type: str = "",
    accept: str = "",
    target_variant: str = "",
    target_model: str = "",
    timeout_seconds: int = 60,
) -> InvokeEndpointOutputs:
    """Send one request to an endpoint: a first test of what was deployed.

    An endpoint on the cluster is asked over the cluster's network. One in SageMaker is asked with the AWS credentials
    of the step's service account (IRSA, EKS Pod Identity), which must allow `sagemaker:InvokeEndpoint`. What is sent is
    exactly one of `payload`, `payload_json` and `payload_file`.

    Args:
        body: the answer as it came.
        endpoint: the Endpoint's name in the run's namespace: the output `object_name` of `EndpointOp`.
        payload: what is sent, as text.
        payload_json: what is sent, as JSON. Whole numbers are sent as integers.
        payload_file: an artifact whose file is sent as it is.
        content_type: by default `application/json` with `payload_json`, otherwise `text/csv`.
        accept: the type wanted of the answer; by default what the model gives.
        target_variant: the production variant that is to answer; SageMaker only.
        target_model: the model of a multi-model endpoint that is to answer; SageMaker only.
        timeout_seconds: how long the answer may take; SageMaker itself waits a minute.

    Returns:
        response: the answer as text; empty where it is none, or is longer than 100,000 characters: `body` has it all.
    """
    file = Path(payload_file.path).read_bytes() if payload_file else None
    content = payload_body(payload=payload, payload_json=payload_json, payload_file=file)
    request = Request(
        body=content,
        content_type=content_type or payload_type(payload_json),
        accept=accept,
        target_variant=target_variant,
        target_model=target_model,
        timeout_seconds=timeout_seconds,
    )
    answer = invoke(get("Endpoint", endpoint), request)
    Path(body.path).parent.mkdir(parents=True, exist_ok=True)
    Path(body.path).write_bytes(answer)
    return InvokeEndpointOutputs(response=answer_text(answer))
