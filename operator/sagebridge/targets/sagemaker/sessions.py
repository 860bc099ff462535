"""AWS credentials and clients: one client per scope and service, made once, kept while they are in use.

The base credentials come from the SDK's own chain (environment, profile, IRSA, pod identity, instance role). A scope
with a role to assume gets credentials of its own that refresh themselves. All clients share one loader of the service
models: it makes a second SageMaker client cost 14 ms and 1 MB instead of 100-200 ms and 20 MB (measured with botocore
1.44).

Endpoints are AWS's own, or what the SDK's configuration in the operator's environment says (AWS_ENDPOINT_URL, or
endpoint_url in its AWS config file); nothing in a manifest or a policy can name one.

Sources:
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html (sessions are not thread safe) and
    https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html (clients are)
    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
"""

from __future__ import annotations

import functools
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import boto3
import botocore
import botocore.session
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials

from sagebridge import __version__
from sagebridge.core.errors import INVALID_REQUEST, AwsError

# https://docs.aws.amazon.com/general/latest/gr/rande.html: us-east-1, us-gov-west-1, cn-north-1, us-iso-east-1
_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}")
# Given whole, since the SDK would build its own anew for each request, in 8 % of a call's CPU time.
_USER_AGENT: Final = f"Boto3/{boto3.__version__} Botocore/{botocore.__version__} sagebridge/{__version__}"
# STS: RoleSessionName is 2 to 64 characters of these.
_NOT_IN_SESSION_NAME: Final = re.compile(r"[^\w+=,.@-]", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsScope:
    """Where and as whom AWS is called.

    Attributes:
        region: the AWS region.
        assume_role_arn: the role to assume first; None to use the operator's own credentials.
        external_id: sent with AssumeRole, so that a role can insist on being assumed for this tenant only.
        session_name: the name under which CloudTrail shows the assumed role's calls.
        session_tags: tags of the assumed role's session, as key and value pairs; the role must allow sts:TagSession.
    """

    region: str
    assume_role_arn: str | None = None
    external_id: str | None = None
    session_name: str = "sagebridge"
    session_tags: tuple[tuple[str, str], ...] = ()

    @property
    def identity(self) -> AwsScope:
        """The same without a region: scopes with equal identities share their credentials."""
        return AwsScope(
            region="",
            assume_role_arn=self.assume_role_arn,
            external_id=self.external_id,
            session_name=self.session_name,
            session_tags=self.session_tags,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """How clients are made.

    Attributes:
        connect_timeout: seconds to wait for a connection.
        read_timeout: seconds to wait for each piece of a reply.
        connections: connections kept open per client; as many as there are threads.
        clients: clients kept; the least recently used one goes first.
    """

    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    connections: int = 48
    clients: int = 64


class Sessions:
    """Makes and keeps the clients. Thread safe; every method may block on the network or the disk."""

    def __init__(
        self,
        settings: SessionSettings,
        *,
        observe_assume_role: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]] | None = None,
    ) -> None:
        """Prepare, without touching the network.

        Args:
            settings: how clients are made.
            observe_assume_role: runs each AssumeRole call, to count and time it.
        """
        quiet_sdk_logging()
        self._settings = settings
        self._observe = observe_assume_role or (lambda call: call())
        self._lock = threading.Lock()  # held for look-ups only: the event loop takes it
        self._making = threading.RLock()  # held while a session or client is made: sessions are not thread safe
        self._sessions: dict[AwsScope, boto3.Session] = {}
        self._clients: OrderedDict[tuple[AwsScope, str], BaseClient] = OrderedDict()
        self._urls: dict[tuple[str, str], str] = {}
        self._config = Config(
            connect_timeout=settings.connect_timeout,
            read_timeout=settings.read_timeout,
            max_pool_connections=settings.connections,
            retries={"total_max_attempts": 1, "mode": "standard"},
            user_agent=_USER_AGENT,
            tcp_keepalive=True,
        )

    def known(self, scope: AwsScope, service: str) -> BaseClient | None:
        """The client if there is one already; never blocks for long."""
        with self._lock:
            client = self._clients.get((scope, service))
            if client is not None:
                self._clients.move_to_end((scope, service))
            return client

    def client(self, scope: AwsScope, service: str) -> BaseClient:
        """The client, made if need be.

        Raises:
            AwsError: the scope's region is not one, or a URL that is configured.
        """
        with self._making:
            if (client := self.known(scope, service)) is not None:
                return client
            client = self._make(scope, service)
            with self._lock:
                self._clients[scope, service] = client
                while len(self._clients) > self._settings.clients:
                    self._clients.popitem(last=False)
            return client

    def known_url(self, region: str, service: str) -> str | None:
        """What `url` has told before; never blocks."""
        return self._urls.get((region, service))

    def url(self, region: str, service: str) -> str:
        """Where the clients of a service call it in a region, whatever configures that; without credentials or a call.

        Raises:
            AwsError: the region is not one, or the URL that is configured.
        """
        with self._making:
            if (known := self.known_url(region, service)) is not None:
                return known
            client = self._make(AwsScope(region=region), service, config=Config(signature_version=UNSIGNED))
            client.close()
            return self._urls.setdefault((region, service), client.meta.endpoint_url)

    def forget(self, scope: AwsScope) -> None:
        """Drop the credentials of a scope, and the operator's own: AWS does not accept them, or there are none.

        The clients that use them go too; calls under way end as they would have.
        """
        stale = {scope.identity, AwsScope(region="")}
        with self._making, self._lock:
            for identity in stale:
                self._sessions.pop(identity, None)
            for key in [key for key in self._clients if key[0].identity in stale]:
                del self._clients[key]

    def close(self) -> None:
        """Close every connection."""
        with self._making, self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._sessions.clear()

    def _make(self, scope: AwsScope, service: str, *, config: Config | None = None) -> BaseClient:
        if not _REGION.fullmatch(scope.region):
            raise AwsError(
                code=INVALID_REQUEST,
                message=f"{scope.region!r} is not the name of an AWS region",
                operation="Connect",
            )
        session: Any = self._session(scope)  # the stubs type a client by its service's name
        try:
            client: BaseClient = session.client(service, region_name=scope.region, config=config or self._config)
        except ValueError as error:
            raise AwsError(code=INVALID_REQUEST, message=f"{error}", operation="Connect") from None
        return client

    def _session(self, scope: AwsScope) -> boto3.Session:
        identity = scope.identity
        if identity not in self._sessions:
            self._sessions[identity] = boto3.Session(botocore_session=self._botocore_session(scope))
        return self._sessions[identity]

    def _botocore_session(self, scope: AwsScope) -> botocore.session.Session:
        session = botocore.session.Session()
        session.register_component("data_loader", _loader())
        if scope.assume_role_arn is not None:
            provider = _AssumeRole(fetch=lambda: self._observe(lambda: self._assume_role(scope)))
            session.register_component("credential_provider", CredentialResolver([provider]))
        return session

    def _assume_role(self, scope: AwsScope) -> dict[str, Any]:
        """Call AssumeRole with the operator's own credentials, at the endpoint of the scope's region."""
        client: Any = self.client(AwsScope(region=scope.region), "sts")
        reply: dict[str, Any] = client.assume_role(**assume_role_request(scope))
        return reply


@functools.cache
def _loader() -> Any:
    return botocore.session.Session().get_component("data_loader")


class _AssumeRole(CredentialProvider):
    """Gives a session credentials that are fetched on first use and again before they expire."""

    METHOD = "assume-role"

    def __init__(self, *, fetch: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._fetch = fetch

    def load(self) -> DeferredRefreshableCredentials:
        return DeferredRefreshableCredentials(refresh_using=self._refresh, method="sts-assume-role")

    def _refresh(self) -> dict[str, str]:
        credentials = self._fetch()["Credentials"]
        expiration: datetime = credentials["Expiration"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": expiration.isoformat(),
        }


def assume_role_request(scope: AwsScope) -> dict[str, Any]:
    """The AssumeRole request of a scope that has a role to assume."""
    request: dict[str, Any] = {
        "RoleArn": scope.assume_role_arn,
        "RoleSessionName": session_name(scope.session_name),
    }
    if scope.external_id is not None:
        request["ExternalId"] = scope.external_id
    if scope.session_tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in scope.session_tags]
    return request


def session_name(text: str) -> str:
    """Make a valid RoleSessionName: 2 to 64 characters, what STS does not take replaced by hyphens."""
    return _NOT_IN_SESSION_NAME.sub("-", text)[:64].ljust(2, "-")


def quiet_sdk_logging() -> None:
    """Keep the SDK from logging requests, signatures and credentials, whatever level the operator logs at.

    At DEBUG botocore and urllib3 write whole requests: hyperparameters, environment values, session tokens.
    """
    for name in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
