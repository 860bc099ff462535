"""Asynchronous invocations: requests from S3, results to S3, notices to SNS.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.endpoints import notices, replies
from sagebridge_local.sagemaker.endpoints.hosting import Request
from sagebridge_local.sagemaker.endpoints.replies import RuntimeReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.clock import Clock
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint
    from sagebridge_local.sagemaker.endpoints.invocations import RuntimeCall
    from sagebridge_local.sagemaker.endpoints.outbox import Outbox
    from sagebridge_local.sagemaker.endpoints.traffic import Route
    from sagebridge_local.serving.records import Invocation

Invoke = Callable[["RuntimeCall", "Endpoint", Request], Awaitable[tuple["Route", "Invocation"]]]

DEFAULT_SECONDS: Final = 900.0
# https://docs.aws.amazon.com/sagemaker-runtime/latest/APIReference/API_runtime_InvokeEndpointAsync.html
MAX_BODY: Final = 128_000
DEFAULT_TTL_SECONDS: Final = 21_600


class AsyncInvocations:
    """Takes requests, and carries them out one after the other (MaxConcurrentInvocationsPerInstance at once)."""

    def __init__(
        self, invoke: Invoke, *, outbox: Outbox, clock: Clock, keep: Callable[[Coroutine[Any, Any, None]], None]
    ) -> None:
        self._invoke = invoke
        self._outbox = outbox
        self._clock = clock
        self._keep = keep

    def accept(self, call: RuntimeCall, endpoint: Endpoint, config: Mapping[str, Any]) -> RuntimeReply:
        """Take a request: 202, with the places where its result or its failure will be.

        Raises:
            ServiceError: ValidationError when it names no input, or the endpoint has nowhere to put results.
        """
        source = call.option("inputlocation")
        if not source and not call.body:
            raise replies.invalid("InputLocation must be given")
        if len(call.body) > MAX_BODY:
            raise replies.invalid(f"Request {len(call.body)} bytes exceeds max of {MAX_BODY}")
        ttl = float(call.option("requestttlseconds") or DEFAULT_TTL_SECONDS)
        seconds = float(call.option("invocationtimeoutseconds") or DEFAULT_SECONDS)
        inference_id = call.option("inference-id") or str(uuid.uuid4())
        output, failed = _places(config["OutputConfig"], call)
        places = _Places(source=source, inference_id=inference_id, output=output, failed=failed)
        self._keep(self._carry_out(call, endpoint, config, places, limits=(ttl, seconds)))
        headers = {"content-type": "application/json", "x-amzn-sagemaker-outputlocation": output}
        if failed:
            headers["x-amzn-sagemaker-failurelocation"] = failed
        return RuntimeReply(status=202, body=json.dumps({"InferenceId": inference_id}).encode(), headers=headers)

    async def _carry_out(
        self,
        call: RuntimeCall,
        endpoint: Endpoint,
        config: Mapping[str, Any],
        places: _Places,
        *,
        limits: tuple[float, float],
    ) -> None:
        where = {"account": endpoint.account, "region": endpoint.region}
        (ttl, seconds), accepted = limits, self._clock.now()
        async with _turn(endpoint):
            try:
                if self._clock.now() - accepted > ttl:
                    raise OSError(f"The request waited longer than its {ttl:g} s to live")  # noqa: TRY301  one way to fail
                request = await self._request(call, places.source, where, seconds=seconds)
                _, answer = await self._invoke(call, endpoint, request)
            except (errors.ServiceError, OSError) as error:
                text = error.message if isinstance(error, errors.ServiceError) else str(error)
                if places.failed:
                    await self._outbox.write(places.failed, text.encode(), content_type="text/plain", **where)
                notice = self._notice(call, endpoint, places, accepted=accepted)
                await self._tell(config, "ErrorTopic", notices.failed(notice, text, location=places.failed), where)
                return
            await self._outbox.write(places.output, answer.body, content_type=answer.content_type, **where)
            notice = self._notice(call, endpoint, places, accepted=accepted)
            await self._tell(config, "SuccessTopic", notices.completed(notice, answer, location=places.output), where)

    async def _request(
        self, call: RuntimeCall, source: str | None, where: Mapping[str, str], *, seconds: float
    ) -> Request:
        body, found_type = call.body, ""
        if source:
            body, found_type = await self._outbox.read(source, account=where["account"], region=where["region"])
        custom = call.option("custom-attributes")
        return Request(
            body=body,
            content_type=call.option("content-type") or found_type or "application/octet-stream",
            accept=call.option("accept"),
            headers={"x-amzn-sagemaker-custom-attributes": custom} if custom else {},
            timeout_seconds=seconds,
        )

    async def _tell(
        self, config: Mapping[str, Any], topic: str, message: Mapping[str, Any], where: Mapping[str, str]
    ) -> None:
        wanted = config["OutputConfig"].get("NotificationConfig", {})
        if topic not in wanted:
            return
        told = notices.for_topic(message, topic, wanted)
        await self._outbox.publish(wanted[topic], told, account=where["account"], region=where["region"])

    def _notice(self, call: RuntimeCall, endpoint: Endpoint, places: _Places, *, accepted: float) -> dict[str, Any]:
        asked = {
            "accept": call.option("accept"),
            "contentType": call.option("content-type"),
            "endpointName": endpoint.name,
            "inputLocation": places.source,
        }
        return notices.notice(
            region=endpoint.region,
            inference_id=places.inference_id,
            asked={name: value for name, value in asked.items() if value is not None},
            received=accepted,
            ended=self._clock.now(),
        )


@contextlib.asynccontextmanager
async def _turn(endpoint: Endpoint) -> AsyncIterator[None]:
    """A turn of the fleet that serves; without one, what asks it is refused anyway."""
    fleet = endpoint.fleet
    while fleet is not None:
        await fleet.turns.take()
        try:
            if endpoint.fleet is fleet:
                yield
                return
        finally:
            fleet.turns.leave()
        fleet = endpoint.fleet
    yield


@dataclass(frozen=True, slots=True, kw_only=True)
class _Places:
    """Where an invocation's input is, and where its result or failure goes."""

    source: str | None
    inference_id: str
    output: str
    failed: str | None


def _places(config: Mapping[str, Any], call: RuntimeCall) -> tuple[str, str | None]:
    path = config.get("S3OutputPath")
    if not path:
        raise replies.invalid("The endpoint's AsyncInferenceConfig has no S3OutputPath")
    unique = str(uuid.uuid4())
    extension = (call.option("s3outputpathextension") or "").strip("/")
    name = call.option("filename") or f"{unique}.out"
    output = "/".join(part for part in (path.rstrip("/"), extension, name) if part)
    failed = config.get("S3FailurePath")
    return output, f"{failed.rstrip('/')}/{unique}-error.out" if failed else None
