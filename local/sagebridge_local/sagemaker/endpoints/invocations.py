"""InvokeEndpoint, InvokeEndpointWithResponseStream and InvokeEndpointAsync."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors, faults, wire
from sagebridge_local.sagemaker.accounts import account_of
from sagebridge_local.sagemaker.calls import LoggedCall
from sagebridge_local.sagemaker.endpoints import capture, eventstream, measurements, replies
from sagebridge_local.sagemaker.endpoints import headers as members
from sagebridge_local.sagemaker.endpoints.asynchronous import AsyncInvocations
from sagebridge_local.sagemaker.endpoints.endpoint import SERVING, Endpoint
from sagebridge_local.sagemaker.endpoints.hosting import Hosted, Request
from sagebridge_local.sagemaker.endpoints.replies import RuntimeReply
from sagebridge_local.sagemaker.endpoints.traffic import Route, has_variant, route
from sagebridge_local.sagemaker.models.containers import definitions
from sagebridge_local.sagemaker.resources import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence

    from sagebridge_local.sagemaker.endpoints.endpoint import Variant
    from sagebridge_local.sagemaker.endpoints.outbox import Outbox
    from sagebridge_local.sagemaker.service import LocalSageMaker
    from sagebridge_local.serving.pieces import Pieces
    from sagebridge_local.serving.records import Invocation

PATH: Final = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
OPERATIONS: Final = {
    "invocations": "InvokeEndpoint",
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
# https://docs.aws.amazon.com/sagemaker-runtime/latest/APIReference/API_runtime_InvokeEndpoint.html
MAX_BODY: Final = 25 * 1024 * 1024
SERVERLESS_MAX_BODY: Final = 4 * 1024 * 1024
DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_PREFIX: Final = "x-amzn-sagemaker-"
# What SageMaker itself reads; everything else that begins so is the container's.
_OWN: Final = frozenset(
    f"{_PREFIX}{name}"
    for name in ("target-variant", "target-model", "target-container-hostname", "inference-component", "accept")
)
_PASSED_BACK: Final = ("custom-attributes", "new-session-id", "closed-session-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeCall:
    """One request of the runtime API.

    Attributes:
        operation: The API's name.
        name: EndpointName.
        headers: The headers, in lower case.
        body: The payload.
        account: Whose it is.
        region: Where.
        received: When it came, by time.perf_counter (uvloop's own clock counts milliseconds).
    """

    operation: str
    name: str
    headers: Mapping[str, str]
    body: bytes
    account: str
    region: str
    received: float = 0.0

    def option(self, name: str) -> str | None:
        """A member that is sent as an X-Amzn-SageMaker header."""
        return self.headers.get(f"{_PREFIX}{name}")


class Invocations:
    """The runtime API of a local SageMaker."""

    def __init__(self, service: LocalSageMaker, *, outbox: Outbox) -> None:
        self._service = service
        self._outbox = outbox
        self._tasks: set[asyncio.Task[None]] = set()
        self._async = AsyncInvocations(self._invoke, outbox=outbox, clock=service.clock, keep=self._keep)

    async def answer(
        self, *, operation: str, name: str, headers: Mapping[str, str], body: bytes
    ) -> RuntimeReply | None:
        """Answer one request, with the faults that are set; None closes the connection."""
        service = self._service
        received = time.perf_counter()
        service.scheduler.run_due()
        struck = service.faults.strike(operation=operation, name=name)
        delay = sum(fault.seconds for fault in struck if fault.kind == faults.SLOW)
        if delay:
            await asyncio.sleep(delay)
        kinds = {fault.kind for fault in struck}
        account = region = ""
        if faults.DROP in kinds:
            self._log(operation, name, (account, region), outcome="Dropped", delivered=False)
            return None
        try:
            credential = wire.credential(headers.get("authorization", ""))
            account, region = account_of(credential.access_key), credential.region
            call = RuntimeCall(
                operation=operation,
                name=name,
                headers=headers,
                body=body,
                account=account,
                region=region,
                received=received,
            )
            reply = await self._handle(call, struck)
        except errors.ServiceError as error:
            reply = replies.failure(error)
        lost = faults.LOST_REPLY in kinds
        self._log(operation, name, (account, region), outcome=reply.code or "OK", delivered=not lost)
        malformed = next((fault for fault in struck if fault.kind == faults.MALFORMED), None)
        if malformed is None and not lost:
            return reply
        reply.close()
        return RuntimeReply(status=malformed.status or 200, body=malformed.body.encode()) if malformed else None

    def reset(self) -> None:
        """Drop what is still to be carried out and written."""
        for task in list(self._tasks):
            task.cancel()

    async def close(self) -> None:
        """The same, to its end."""
        self.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _handle(self, call: RuntimeCall, struck: list[faults.Fault]) -> RuntimeReply:
        for fault in struck:
            error = fault.error(call.operation)
            if error is not None:
                raise error
        members.check(call.operation, name=call.name, headers=call.headers)
        now = self._service.clock.now()
        self._service.quotas.check_rate(operation=call.operation, account=call.account, region=call.region, now=now)
        endpoint = self._endpoint(call)
        config = endpoint.fleet.config.get("AsyncInferenceConfig") if endpoint.fleet else None
        if call.operation == OPERATIONS["async-invocations"]:
            if config is None:
                raise replies.invalid(f"Endpoint {call.name} is not asynchronous: use InvokeEndpoint")
            return self._async.accept(call, endpoint, config)
        if config is not None:
            raise replies.invalid(f"Endpoint {call.name} is asynchronous: use InvokeEndpointAsync")
        if call.operation == OPERATIONS["invocations"]:
            chosen, answer = await self._invoke(call, endpoint, _request(call))
            return RuntimeReply(status=200, body=answer.body, headers=_reply_headers(chosen, answer))
        return await self._stream(call, endpoint)

    def _endpoint(self, call: RuntimeCall) -> Endpoint:
        table = self._service.store.resources(ENDPOINT, account=call.account, region=call.region)
        endpoint: Endpoint | None = table.get(call.name)
        if endpoint is None or endpoint.status not in SERVING or endpoint.fleet is None:
            raise replies.not_found(call.name, call.account)
        return endpoint

    async def _invoke(self, call: RuntimeCall, endpoint: Endpoint, request: Request) -> tuple[Route, Invocation]:
        """Pass a request to a variant.

        Raises:
            ServiceError: ValidationError, ServiceUnavailable, ThrottlingException or ModelError.
        """
        from sagebridge_local.serving.records import ServingError

        chosen = self._route(call, endpoint)
        self._shadow(call, endpoint, chosen, request)
        hosted = chosen.fleet.hosted
        assert hosted is not None  # a route leads to a fleet that answers
        chosen.variant.in_flight += 1
        began = time.perf_counter()
        try:
            answer = await hosted.invoke(chosen.variant, request)
        except ServingError as error:
            raise replies.invalid(error.reason) from error
        finally:
            chosen.variant.in_flight -= 1
        self._measure(call, endpoint, chosen.variant, status=answer.status, began=began)
        if not answer.succeeded:
            raise replies.model_error(endpoint, answer)
        self._capture(call, endpoint, chosen, request, answer)
        return chosen, answer

    async def _stream(self, call: RuntimeCall, endpoint: Endpoint) -> RuntimeReply:
        chosen = self._route(call, endpoint)
        hosted = chosen.fleet.hosted
        assert hosted is not None  # a route leads to a fleet that answers
        began = time.perf_counter()
        answer, pieces = await _counted(hosted, chosen.variant, _request(call))
        with contextlib.ExitStack() as closing:
            closing.callback(pieces.close)
            self._measure(call, endpoint, chosen.variant, status=answer.status, began=began)
            if not answer.succeeded:
                raise replies.model_error(endpoint, answer)
            headers = _reply_headers(chosen, answer)
            headers["x-amzn-sagemaker-content-type"] = headers["content-type"]
            headers["content-type"] = eventstream.CONTENT_TYPE
            closing.pop_all()
        return RuntimeReply(status=200, body=b"", headers=headers, pieces=_events(pieces))

    def _route(self, call: RuntimeCall, endpoint: Endpoint) -> Route:
        target = call.option("target-variant")
        if target is not None and not has_variant(endpoint, target):
            raise replies.invalid(f"Variant {target} not found for endpoint {call.name} of account {call.account}.")
        chosen = route(endpoint, target_variant=target)
        if chosen is None:
            text = f"Endpoint {call.name} has no instances that could take the request"
            raise errors.ServiceError(replies.SERVICE_UNAVAILABLE, text, status=503)
        self._check(call, chosen)
        return chosen

    def _check(self, call: RuntimeCall, chosen: Route) -> None:
        component = call.option("inference-component")
        model = chosen.variant.model
        if model is None:
            raise replies.invalid(_component_text(component, call))
        if component is not None:
            raise replies.invalid(f"Inference Component Name header is not allowed for endpoint {call.name}.")
        containers = definitions(model)
        several = any(container.get("Mode") == "MultiModel" for container in containers)
        if several and call.option("target-model") is None:
            # https://github.com/aws/sagemaker-tensorflow-serving-container/issues/166
            raise replies.invalid(f"Request {uuid.uuid4()} is missing a target model header.")
        if not several and call.option("target-model") is not None:
            # https://github.com/aws/amazon-sagemaker-examples/issues/1026
            text = "is not a multi-model endpoint and does not support target model header."
            raise replies.invalid(f"Endpoint {call.name} {text}")
        _check_container(call, model, containers)
        serverless = chosen.variant.serverless
        limit = SERVERLESS_MAX_BODY if serverless else MAX_BODY
        if len(call.body) > limit:
            raise replies.invalid(f"Request {len(call.body)} bytes exceeds max of {limit}")
        if serverless and chosen.variant.in_flight >= serverless["MaxConcurrency"]:
            raise replies.too_many()

    def _measure(self, call: RuntimeCall, endpoint: Endpoint, variant: Variant, *, status: int, began: float) -> None:
        """Note what an invocation that is answered now took."""
        service, now = self._service, time.perf_counter()
        is_async = call.operation == OPERATIONS["async-invocations"]
        measurements.note(
            service.metrics,
            endpoint,
            variant,
            status=status,
            model_seconds=now - began,
            overhead_seconds=began - call.received,
            at=service.clock.now(),
            is_async=is_async,
        )
        service.alarms.wake()

    def _shadow(self, call: RuntimeCall, endpoint: Endpoint, chosen: Route, request: Request) -> None:
        """Copy the request to the shadow variant, whose answer goes nowhere but to data capture.

        Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/model-shadow-deployment.html and, for data capture,
        https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-create.html
        """
        hosted = chosen.fleet.hosted
        for shadow in chosen.fleet.shadows:
            share = shadow.weight / (chosen.variant.weight or 1.0)
            if hosted is not None and random.random() < share:  # noqa: S311  a share of the traffic, no secret

                async def copy(variant: Variant = shadow) -> None:
                    assert hosted is not None  # looked at above
                    began = time.perf_counter()
                    answer = await hosted.invoke(variant, request)
                    self._measure(call, endpoint, variant, status=answer.status, began=began)
                    if answer.succeeded:
                        self._capture(call, endpoint, Route(chosen.fleet, variant), request, answer)

                self._keep(copy())

    def _capture(
        self, call: RuntimeCall, endpoint: Endpoint, chosen: Route, request: Request, answer: Invocation
    ) -> None:
        config: Mapping[str, Any] = chosen.fleet.config.get("DataCaptureConfig", {})
        if not capture.wanted(config):
            return
        now = self._service.clock.now()
        record = capture.record(
            config,
            given=(request.body, request.content_type),
            answered=(answer.body, answer.content_type),
            at=now,
            inference_id=call.option("inference-id"),
            custom_attributes=call.option("custom-attributes"),
        )
        uri = capture.key(config, endpoint=endpoint.name, variant=chosen.variant.name, at=now)
        body = capture.lines([record])
        where = {"account": endpoint.account, "region": endpoint.region}
        self._keep(self._outbox.write(uri, body, content_type="application/jsonlines", **where))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a shadow's failure is its own: it is in its log

    def _log(self, operation: str, name: str, where: tuple[str, str], *, outcome: str, delivered: bool) -> None:
        self._service.calls.add(
            LoggedCall(
                time=self._service.clock.now(),
                operation=operation,
                name=name,
                account=where[0],
                region=where[1],
                outcome=outcome,
                delivered=delivered,
            )
        )


def _component_text(component: str | None, call: RuntimeCall) -> str:
    if component is None:
        # https://github.com/BerriAI/litellm/pull/37766
        return (
            "Inference Component Name header is required for endpoints to which you plan to deploy inference "
            "components. Please include Inference Component Name header or consider using SageMaker models."
        )
    return f"Inference Component {component} of account {call.account} not found."


def _check_container(call: RuntimeCall, model: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/multi-container-direct.html."""
    target = call.option("target-container-hostname")
    direct = model.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
    if direct != (target is not None):
        needs = "needs" if direct else "does not allow"
        raise replies.invalid(f"Endpoint {call.name} {needs} a TargetContainerHostname header.")
    if target is not None and target not in {container.get("ContainerHostname") for container in containers}:
        raise replies.invalid(f"Endpoint {call.name} has no container with hostname {target}.")


def _request(call: RuntimeCall) -> Request:
    passed = {name: value for name, value in call.headers.items() if name.startswith(_PREFIX) and name not in _OWN}
    return Request(
        body=call.body,
        content_type=call.headers.get("content-type") or DEFAULT_CONTENT_TYPE,
        accept=call.option("accept") or call.headers.get("accept"),
        headers=passed,
        target_model=call.option("target-model"),
        container=call.option("target-container-hostname"),
    )


def _reply_headers(chosen: Route, answer: Invocation) -> dict[str, str]:
    back = {f"{_PREFIX}{name}": answer.headers.get(f"{_PREFIX}{name}") for name in _PASSED_BACK}
    return {
        "content-type": answer.content_type,
        "x-amzn-invoked-production-variant": chosen.variant.name,
        **{name: value for name, value in back.items() if value is not None},
    }


async def _counted(hosted: Hosted, variant: Variant, request: Request) -> tuple[Invocation, Pieces]:
    """A stream that is under way until it is closed."""
    variant.in_flight += 1

    def leave() -> None:
        variant.in_flight -= 1

    try:
        answer, pieces = await hosted.stream(variant, request)
    except BaseException:
        leave()
        raise
    pieces.on_close(leave)
    return answer, pieces


def _events(pieces: Pieces) -> Pieces:
    """Pieces as events; a model that breaks off or takes too long ends the stream with an error."""
    # Imported here: --lifecycle-only serves nothing, and starts sooner without it.
    from sagebridge_local.serving.pieces import BrokenOffError, Pieces

    async def events() -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield eventstream.payload_part(piece)
        except BrokenOffError as error:
            yield eventstream.stream_error(eventstream.STREAM_BROKEN, f"The model broke off: {error}")
        except TimeoutError:
            yield eventstream.stream_error(eventstream.TIME_EXCEEDED, "The model did not finish in time")

    return Pieces(events(), on_close=pieces.close)
