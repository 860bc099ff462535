"""Keeps the log service's certificate in a Secret, which all replicas share, and its authority's in a ConfigMap."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError
from sagebridge.kube.paths import CONFIG_MAPS, SECRETS
from sagebridge.logs.certificates import Identity, KeyPair, is_usable, made

logger = logging.getLogger(__name__)

CA_CERTIFICATE: Final = "ca.crt"
_CA_KEY: Final = "ca.key"
_CERTIFICATE: Final = "tls.crt"
_KEY: Final = "tls.key"
_TRIES: Final = 5
_LOOK_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the certificates are kept.

    Attributes:
        namespace: Of both.
        secret: The Secret's name.
        config_map: The ConfigMap's name.
    """

    namespace: str
    secret: str
    config_map: str


class Keeper:
    """Has the certificate of the server.

    Attributes:
        context: For the server; it changes with the certificate, for new connections.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        place: Place,
        names: Sequence[str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._client = client
        self._place = place
        self._names = tuple(names)
        self._now = now
        self._sleep = sleep
        self._shown: Identity | None = None

    async def begin(self) -> None:
        """Wait until there is a certificate."""
        while not await self._try():
            await self._sleep(_RETRY_SECONDS)

    async def run(self) -> None:
        """Renew it in time, and put back what somebody has emptied, as a reinstalled chart does, until cancelled."""
        while True:
            await self._sleep(_LOOK_SECONDS)
            await self._try()

    async def refresh(self) -> None:
        """Use the certificate that is kept, or keep a new one.

        Raises:
            sagebridge.kube.errors.KubeError: The API server can't be asked, or refuses.
        """
        identity = await self._kept()
        await self._publish(identity.authority.certificate.decode())
        if identity != self._shown:
            _load(self.context, identity.server)
            self._shown = identity

    async def _try(self) -> bool:
        try:
            await self.refresh()
        except KubeError as error:
            logger.warning("The log service has no certificate that is up to date: %s", error)
        return self._shown is not None

    async def _kept(self) -> Identity:
        path = SECRETS.item(namespace=self._place.namespace, name=self._place.secret)
        for _ in range(_TRIES):
            secret = await _found(self._client, path)
            identity = _identity(secret)
            if identity is not None and is_usable(identity, self._names, now=self._now()):
                return identity
            identity = made(self._names, now=self._now(), before=identity)
            try:
                await self._write(path, secret, identity)
            except ConflictError:
                continue  # another replica was faster
            return identity
        raise KubeError(f"{path}: others write it all the time")

    async def _write(self, path: str, secret: Mapping[str, Any] | None, identity: Identity) -> None:
        data = _data(identity)
        if secret is None:
            body = {"metadata": {"name": self._place.secret}, "type": "Opaque", "data": data}
            await self._client.create(SECRETS.collection(self._place.namespace), body)
        else:
            await self._client.replace(path, {**secret, "data": data})

    async def _publish(self, certificate: str) -> None:
        """Let all know the authority. Another replica publishes the same."""
        data = {CA_CERTIFICATE: certificate}
        path = CONFIG_MAPS.item(namespace=self._place.namespace, name=self._place.config_map)
        found = await _found(self._client, path)
        with contextlib.suppress(ConflictError):
            if found is None:
                body = {"metadata": {"name": self._place.config_map}, "data": data}
                await self._client.create(CONFIG_MAPS.collection(self._place.namespace), body)
            elif found.get("data") != data:
                await self._client.replace(path, {**found, "data": data})


async def _found(client: KubeClient, path: str) -> dict[str, Any] | None:
    try:
        return await client.get(path)
    except NotFoundError:
        return None


def _data(identity: Identity) -> dict[str, str]:
    found = {
        CA_CERTIFICATE: identity.authority.certificate,
        _CA_KEY: identity.authority.key,
        _CERTIFICATE: identity.server.certificate,
        _KEY: identity.server.key,
    }
    return {name: base64.b64encode(content).decode() for name, content in found.items()}


def _identity(secret: Mapping[str, Any] | None) -> Identity | None:
    """What a Secret holds; None if that is not what was written into it."""
    try:
        data = {
            name: base64.b64decode(text, validate=True) for name, text in ((secret or {}).get("data") or {}).items()
        }
        found = Identity(
            authority=KeyPair(certificate=data[CA_CERTIFICATE], key=data[_CA_KEY]),
            server=KeyPair(certificate=data[_CERTIFICATE], key=data[_KEY]),
        )
    except (KeyError, TypeError, binascii.Error):
        return None
    return found


def _load(context: ssl.SSLContext, pair: KeyPair) -> None:
    """Python takes a certificate from files only."""
    with tempfile.TemporaryDirectory() as directory:
        certificate, key = Path(directory, _CERTIFICATE), Path(directory, _KEY)
        certificate.write_bytes(pair.certificate)
        key.write_bytes(pair.key)
        context.load_cert_chain(certificate, key)
