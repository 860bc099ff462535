"""The one door to AWS: every call passes here, at a rate that AWS grants, from threads of its own.

The SDK's own retries are off. What failed comes back as `AwsError`, and the engine decides whether and when to try
again: a Create whose reply was lost must be looked for, not repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from botocore import xform_name
from botocore.client import BaseClient

from sagebridge.core.errors import EXPIRED_CODES, NO_CREDENTIALS, AwsError
from sagebridge.metrics import Metrics
from sagebridge.slots import FairQueue, Slots
from sagebridge.targets.sagemaker.buckets import UNLIMITED, Rate
from sagebridge.targets.sagemaker.limiter import Limiter
from sagebridge.targets.sagemaker.replies import checked, is_write, required_members, to_aws_error
from sagebridge.targets.sagemaker.sessions import AwsScope, Sessions, SessionSettings
from sagebridge.targets.sagemaker.storage import ContentPlace, exists, put_content
from sagebridge.targets.sagemaker.threads import to_the_end

__all__ = ["DEFAULT_RATES", "AwsScope", "Gateway", "GatewaySettings", "rates_from"]

logger = logging.getLogger(__name__)

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html; Describe's quotas are not published. Logs are read no
# faster than where AWS grants least: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
DEFAULT_RATES: Final[Mapping[str, Rate]] = {
    "CreateTrainingJob": Rate(per_second=1.0),
    "CreateProcessingJob": Rate(per_second=1.0),
    "ListTrainingJobs": Rate(per_second=2.0, utilization=0.9),
    "DescribeLogStreams": Rate(per_second=5.0),
    "GetLogEvents": Rate(per_second=10.0),
}
_STALE_CREDENTIALS: Final = EXPIRED_CODES | {NO_CREDENTIALS, "InvalidClientTokenId", "UnrecognizedClientException"}
_ROLE_ACCOUNT: Final = re.compile(r"arn:[^:]+:iam::(\d{12}):role/")

BeforeWrite = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySettings:
    """How AWS is called.

    Attributes:
        threads: calls under way at once.
        rates: limits by operation, in an account and region; others have ``default_rate``.
        default_rate: the limit of an operation that ``rates`` does not name.
        session: how clients are made.
    """

    threads: int = 48
    rates: Mapping[str, Rate] = field(default_factory=lambda: DEFAULT_RATES)
    default_rate: Rate = UNLIMITED
    session: SessionSettings = field(default_factory=SessionSettings)


def rates_from(calls_per_second: Mapping[str, float | None]) -> dict[str, Rate]:
    """The default limits with a user's own on top.

    Args:
        calls_per_second: what AWS grants, by operation; None or 0 is no limit.
    """
    own = {name: Rate(per_second=value) if value else UNLIMITED for name, value in calls_per_second.items()}
    return {**DEFAULT_RATES, **own}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Call:
    scope: AwsScope
    service: str
    operation: str
    request: Mapping[str, Any]
    namespace: str


class Gateway:
    """Calls AWS. To be used on one event loop.

    Attributes:
        before_write: called right before each call that changes something; what it raises reaches the caller, and the
        call
            is not made. For the Lease: a replica that has lost it must not write.
    """

    def __init__(
        self, *, settings: GatewaySettings, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare, without touching the network.

        Args:
            settings: how AWS is called.
            metrics: where calls are counted.
            clock: seconds, monotonic.
        """
        self.before_write: BeforeWrite | None = None
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._sessions = Sessions(settings.session, observe_assume_role=self._observe_assume_role)
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="aws")
        self._slots = Slots(settings.threads, FairQueue())
        self._limiters: dict[tuple[str, str, str], Limiter] = {}
        self._quotas: dict[AwsScope, str] = {}
        self._accounts: dict[AwsScope, str] = {}
        self._account_locks: defaultdict[AwsScope, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def call(
        self,
        scope: AwsScope,
        operation: str,
        request: Mapping[str, Any],
        *,
        namespace: str,
        service: str = "sagemaker",
    ) -> dict[str, Any]:
        """Call one operation once, when it is this namespace's turn.

        Args:
            scope: where and as whom.
            operation: the API's name, e.g. ``CreateTrainingJob``.
            request: its members, as the API names them.
            namespace: whose object it is for; the namespaces take turns.
            service: the SDK's name of the service.

        Returns:
            The reply's members; those that the service model requires are there.

        Raises:
            AwsError: whatever went wrong at or on the way to AWS.
        """
        call = _Call(scope=scope, service=service, operation=operation, request=request, namespace=namespace)
        client = self._sessions.known(scope, service) or await self._in_thread(self._make_client, call)
        limiter = self._limiter(call)
        await self._wait_for_turn(limiter, call)
        async with self._thread_for(call, limiter):
            return await self._send(client, limiter, call)

    async def url(self, region: str, service: str) -> str:
        """Where a service is called in a region, as the SDK's configuration says; nothing is called for it.

        Raises:
            AwsError: the region is not one, or the configuration has no use.
        """
        if (known := self._sessions.known_url(region, service)) is not None:
            return known
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._find_url, region, service)

    async def account_id(self, scope: AwsScope, *, namespace: str) -> str:
        """The 12 digits of the account that a scope works in; asked once.

        Raises:
            AwsError: STS can't be reached, or the credentials don't work.
        """
        identity = scope.identity
        async with self._account_locks[identity]:
            if identity not in self._accounts:
                reply = await self.call(scope, "GetCallerIdentity", {}, namespace=namespace, service="sts")
                self._accounts[identity] = str(reply["Account"])
            return self._accounts[identity]

    async def upload(
        self,
        scope: AwsScope,
        *,
        bucket: str,
        key: str,
        body: bytes,
        namespace: str,
        kms_key_id: str | None = None,
        expected_owner: str | None = None,
    ) -> None:
        """Put an object whose key names its content into S3, unless it is there; see `storage.put_content`."""
        place = ContentPlace(bucket=bucket, key=key, kms_key_id=kms_key_id, expected_owner=expected_owner)
        await put_content(functools.partial(self._s3, scope, namespace), place, body)

    async def object_exists(
        self, scope: AwsScope, *, bucket: str, key: str, namespace: str, expected_owner: str | None = None
    ) -> bool:
        """Whether an S3 object can be seen.

        Raises:
            AwsError: S3 can't tell, or doesn't want to.
        """
        place = ContentPlace(bucket=bucket, key=key, expected_owner=expected_owner)
        return await exists(functools.partial(self._s3, scope, namespace), place)

    async def _s3(self, scope: AwsScope, namespace: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        return await self.call(scope, operation, request, namespace=namespace, service="s3")

    async def close(self) -> None:
        """Let the calls under way finish, drop those that wait for a thread, close the connections."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
        self._sessions.close()

    async def _in_thread(self, function: Callable[[_Call], Any], call: _Call) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, call)

    def _make_client(self, call: _Call) -> BaseClient:
        try:
            return self._sessions.client(call.scope, call.service)
        except Exception as error:  # noqa: BLE001 - nothing but AwsError leaves
            raise to_aws_error(error, operation=call.operation) from None

    def _find_url(self, region: str, service: str) -> str:
        try:
            return self._sessions.url(region, service)
        except Exception as error:  # noqa: BLE001 - nothing but AwsError leaves
            raise to_aws_error(error, operation="Connect") from None

    async def _wait_for_turn(self, limiter: Limiter, call: _Call) -> None:
        waiting = self._metrics.aws_waiting.labels(call.operation)
        started = self._clock()
        waiting.inc()
        try:
            await limiter.acquire(call.namespace)
        finally:
            waiting.dec()
        self._metrics.aws_wait_seconds.labels(call.operation).observe(self._clock() - started)

    @contextlib.asynccontextmanager
    async def _thread_for(self, call: _Call, limiter: Limiter) -> AsyncIterator[None]:
        """Wait for a free thread, then look a last time whether writing is allowed.

        In the executor's queue a call could not be given up, nor namespaces take turns.
        """
        try:
            await self._slots.acquire(call.namespace)
        except BaseException:
            limiter.refund()
            raise
        try:
            try:
                await self._check_before_write(call.operation)
            except BaseException:
                limiter.refund()
                raise
            yield
        finally:
            self._slots.release()

    async def _check_before_write(self, operation: str) -> None:
        if self.before_write is None or not is_write(operation):
            return
        answer = self.before_write()
        if inspect.isawaitable(answer):
            await answer

    async def _send(self, client: BaseClient, limiter: Limiter, call: _Call) -> dict[str, Any]:
        sent_at = self._clock()
        self._metrics.aws_in_flight.inc()
        try:
            reply: dict[str, Any] = await to_the_end(
                self._in_thread(functools.partial(self._blocking_call, client), call)
            )
        except AwsError as error:
            self._learn_from(error, limiter, call, sent_at=sent_at)
            raise
        finally:
            self._metrics.aws_in_flight.dec()
        return reply

    def _learn_from(self, error: AwsError, limiter: Limiter, call: _Call, *, sent_at: float) -> None:
        if error.is_throttle and error.operation == call.operation:
            limiter.throttled(sent_at=sent_at)
            self._metrics.aws_throttles.labels(call.operation).inc()
            self._metrics.aws_rate_limit.labels(call.operation).set(limiter.rate)
        if error.code in _STALE_CREDENTIALS:
            self._executor.submit(self._sessions.forget, call.scope)
            self._accounts.pop(call.scope.identity, None)

    def _blocking_call(self, client: BaseClient, call: _Call) -> dict[str, Any]:
        """Make the call and count it; on a thread."""
        started = time.perf_counter()
        code = "OK"
        try:
            reply = getattr(client, _method(call.operation))(**call.request)
            return checked(reply, operation=call.operation, required=_required(client, call.operation))
        except Exception as error:  # noqa: BLE001 - nothing but AwsError leaves
            failure = to_aws_error(error, operation=call.operation)
            code = failure.code
            raise failure from None
        finally:
            self._count(call.operation, code, time.perf_counter() - started)

    def _count(self, operation: str, code: str, seconds: float) -> None:
        self._metrics.aws_calls.labels(operation, code).inc()
        self._metrics.aws_call_seconds.labels(operation).observe(seconds)
        logger.debug("%s: %s after %.3f s", operation, code, seconds)

    def _observe_assume_role(self, assume_role: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        started = time.perf_counter()
        code = "OK"
        try:
            return assume_role()
        except Exception as error:
            code = to_aws_error(error, operation="AssumeRole").code
            raise
        finally:
            self._count("AssumeRole", code, time.perf_counter() - started)

    def _limiter(self, call: _Call) -> Limiter:
        # An account that becomes known later must not open a second bucket beside the first.
        account = self._quotas.setdefault(call.scope.identity, self._account_of(call.scope))
        key = (account, call.scope.region, call.operation)
        if key not in self._limiters:
            rate = self._settings.rates.get(call.operation, self._settings.default_rate)
            self._limiters[key] = Limiter(rate, clock=self._clock)
            self._metrics.aws_rate_limit.labels(call.operation).set(rate.ceiling)
        return self._limiters[key]

    def _account_of(self, scope: AwsScope) -> str:
        """The account whose quota a scope uses: known from the role, or from STS if it was asked; else one for all."""
        if scope.assume_role_arn and (found := _ROLE_ACCOUNT.match(scope.assume_role_arn)):
            return found[1]
        return self._accounts.get(scope.identity, "")


@functools.cache
def _method(operation: str) -> str:
    return str(xform_name(operation))


_REQUIRED: dict[tuple[str, str], tuple[str, ...]] = {}


def _required(client: BaseClient, operation: str) -> tuple[str, ...]:
    key = (client.meta.service_model.service_name, operation)
    if key not in _REQUIRED:
        _REQUIRED[key] = required_members(client, operation)
    return _REQUIRED[key]
