"""Who asks, and whether they may: the API server knows both. A token is kept nowhere, and never logged."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sagebridge.kube.client import KubeClient
from sagebridge.kube.paths import GROUP, SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS

AUDIENCE: Final = "sagebridge-logs"
"""Whom a token may be meant for beside the API server: it is then worth nothing anywhere else."""

_CACHED_SECONDS: Final = 10.0
_MOST_CACHED: Final = 2000
_AT_ONCE: Final = 16
_MOST_WAITING: Final = 200
_MOST_WAITING_OF_PEER: Final = 32

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class UnauthenticatedError(Exception):
    """Nobody knows who asks."""


class ForbiddenError(Exception):
    """Who asks may not read this; the message says what."""


class BusyError(Exception):
    """There is too much to do; the message says of what."""


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """Who asks, as the API server says it.

    Attributes:
        name: The user's name, such as ``system:serviceaccount:team:default-editor``.
        spec: The same in the words of a SubjectAccessReview, with groups and all else.
    """

    name: str
    spec: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The object whose log is wanted.

    Attributes:
        plural: The plural name of its kind.
        namespace: Its namespace.
        name: Its name.
    """

    plural: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.plural}.{GROUP} {self.namespace}/{self.name}"


class Access:
    """Asks the API server, and believes its answers for some seconds.

    Not that it takes no such token: it may have been away from who knows it, and made-up ones would displace others.

    Sources:
        https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
        https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/
    """

    def __init__(self, *, client: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._users: _Cache[bytes, User] = _Cache(clock)
        self._rights: _Cache[tuple[str, Wanted], bool] = _Cache(clock)
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting: Counter[str] = Counter()

    async def check(self, token: str, wanted: Wanted, *, peer: str = "") -> User:
        """Who has this token, if they may get the object.

        Args:
            token: What they show.
            wanted: The object.
            peer: The address that they ask from: who makes up tokens does not keep all others from being asked for.

        Raises:
            UnauthenticatedError: The API server does not take the token.
            ForbiddenError: They may not.
            BusyError: Too many ask.
            sagebridge.kube.errors.KubeError: The API server can't tell now.
        """
        digest = hashlib.sha256(token.encode()).digest()
        user = await self._users.get(digest, lambda: self._in_turn(peer, lambda: self._who(token)))
        key = (str(sorted(user.spec.items())), wanted)
        if not await self._rights.get(key, lambda: self._in_turn(peer, lambda: self._may(user, wanted))):
            raise ForbiddenError(f"{user.name} may not get {wanted}")
        return user

    async def _in_turn(self, peer: str, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        if self._waiting.total() >= _MOST_WAITING or self._waiting[peer] >= _MOST_WAITING_OF_PEER:
            raise BusyError("too many ask at once")
        self._waiting[peer] += 1
        try:
            async with self._turns:
                return await ask()
        finally:
            self._waiting[peer] -= 1
            self._waiting += Counter()  # those that wait for nothing are forgotten

    async def _who(self, token: str) -> User:
        """Without audiences of its own in the request, the API server takes tokens that are meant for itself only."""
        audiences = [AUDIENCE] if AUDIENCE in _claimed_audiences(token) else []
        spec = {"token": token} | ({"audiences": audiences} if audiences else {})
        review = await self._client.create(TOKEN_REVIEWS.collection(), {"spec": spec})
        status = review.get("status") or {}
        user = status.get("user") or {}
        if status.get("authenticated") is not True or not user.get("username"):
            raise UnauthenticatedError
        # Who has reviewed it without a look at its audience has said nothing about ours.
        if not set(audiences) <= set(status.get("audiences") or ()):
            raise UnauthenticatedError
        more = {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
        return User(name=str(user["username"]), spec={"user": user["username"], **more})

    async def _may(self, user: User, wanted: Wanted) -> bool:
        attributes = {
            "group": GROUP,
            "resource": wanted.plural,
            "namespace": wanted.namespace,
            "name": wanted.name,
            "verb": "get",
        }
        body = {"spec": {**user.spec, "resourceAttributes": attributes}}
        review = await self._client.create(SUBJECT_ACCESS_REVIEWS.collection(), body)
        return (review.get("status") or {}).get("allowed") is True


def _claimed_audiences(token: str) -> Sequence[str]:
    """Whom a token says it is meant for. Unproven: it decides only what the API server is asked."""
    try:
        _, claims, _ = token.split(".")
        told = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        audiences = told.get("aud", ())
    except (ValueError, AttributeError, RecursionError):
        return ()
    return [audiences] if isinstance(audiences, str) else list(audiences) if isinstance(audiences, list) else ()


class _Cache(Generic[Key, Answer]):
    """Answers that hold for some seconds; what fails is not kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._answers: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()

    async def get(self, key: Key, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer that is kept, or a new one."""
        known = self._answers.get(key)
        if known is not None and self._clock() - known[0] < _CACHED_SECONDS:
            return known[1]
        answer = await ask()
        self._answers[key] = (self._clock(), answer)
        self._answers.move_to_end(key)
        while len(self._answers) > _MOST_CACHED:
            self._answers.popitem(last=False)
        return answer
