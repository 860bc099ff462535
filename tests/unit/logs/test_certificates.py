"""The log service's certificate: made once, shared by all replicas, renewed in time."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from sagebridge.kube.errors import ConflictError, NotFoundError
from sagebridge.logs.certificates import AUTHORITY_LIFETIME, LIFETIME, Identity, KeyPair, is_usable, made
from sagebridge.logs.keeper import Keeper, Place

NAMES = ["sagebridge-logs.system.svc", "127.0.0.1"]
START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "/api/v1/namespaces/system/secrets/s-logs-tls"
CONFIG_MAP = "/api/v1/namespaces/system/configmaps/s-logs-ca"


class Api:
    """Secrets and ConfigMaps, with the versions that a stale write is known by."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.before_write: Any = None

    async def get(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        return copy.deepcopy(self.objects[path])

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        item = f"{path}/{body['metadata']['name']}"
        await self._meanwhile()
        if item in self.objects:
            raise ConflictError(item, status=409)
        return self._write(item, body)

    async def replace(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        await self._meanwhile()
        if self.objects[path]["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise ConflictError(path, status=409)
        return self._write(path, body)

    async def _meanwhile(self) -> None:
        if self.before_write is not None:
            doing, self.before_write = self.before_write, None
            await doing()

    def _write(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.writes.append(path)
        self.objects[path] = copy.deepcopy(dict(body))
        self.objects[path]["metadata"]["resourceVersion"] = str(len(self.writes))
        return self.objects[path]


class Replica:
    """One operator's keeper, at a time of its own."""

    def __init__(self, api: Api, *, names: list[str] | None = None) -> None:
        self.time = START
        self.naps: asyncio.Queue[None] = asyncio.Queue()
        self.asleep = asyncio.Event()
        client: Any = api
        place = Place(namespace="system", secret="s-logs-tls", config_map="s-logs-ca")
        self.keeper = Keeper(client=client, place=place, names=names or NAMES, now=lambda: self.time, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        """Wait until a test says that the time has passed."""
        self.asleep.set()
        await self.naps.get()
        self.time += timedelta(seconds=seconds)


def data(api: Api) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in api.objects[SECRET]["data"].items()}


def authority(api: Api) -> str:
    return str(api.objects[CONFIG_MAP]["data"]["ca.crt"])


async def served(replica: Replica, certificate: str, *, name: str = "127.0.0.1") -> bytes:
    """The certificate that a reader who trusts this authority is shown."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=replica.keeper.context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        context = ssl.create_default_context(cadata=certificate)
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return shown


async def test_a_reader_finds_the_authority_and_trusts_the_server() -> None:
    api = Api()
    replica = Replica(api)
    replica.time = datetime.now(UTC)
    await replica.keeper.refresh()
    for name in NAMES:
        shown = x509.load_der_x509_certificate(await served(replica, authority(api), name=name))
        assert shown == x509.load_pem_x509_certificate(data(api)["tls.crt"])
    with pytest.raises(ssl.SSLCertVerificationError):
        await served(replica, authority(api), name="sagebridge-logs.other.svc")
    other = Api()
    another = Replica(other)
    another.time = datetime.now(UTC)
    await another.keeper.refresh()
    with pytest.raises(ssl.SSLCertVerificationError):
        await served(replica, authority(other))


async def test_the_charts_empty_objects_are_filled() -> None:
    api = Api()
    for path in (SECRET, CONFIG_MAP):
        api.objects[path] = {
            "metadata": {"name": path.rpartition("/")[2], "resourceVersion": "7", "labels": {"a": "b"}}
        }
    await Replica(api).keeper.refresh()
    assert data(api)["ca.crt"].decode() == authority(api)
    assert api.objects[SECRET]["metadata"]["labels"] == {"a": "b"}
    assert "ca.key" not in json.dumps(api.objects[CONFIG_MAP])
    assert b"PRIVATE" not in authority(api).encode()


async def test_replicas_and_restarts_share_one() -> None:
    api = Api()
    first, second = Replica(api), Replica(api)
    api.before_write = second.keeper.refresh
    await first.keeper.refresh()
    kept = data(api)
    assert api.writes == [SECRET, CONFIG_MAP], "the slower one takes what the faster one has written"
    await Replica(api).keeper.refresh()
    assert data(api) == kept


@pytest.mark.parametrize(
    ("reason", "days", "renewed", "new_authority"),
    [
        ("new", 0, False, False),
        ("a month and a day before its end", 59, False, False),
        ("less than a month before its end", 61, True, False),
        ("after its end", 200, True, False),
        ("the authority ends before another certificate would", 3650 - 80, True, True),
    ],
)
async def test_it_is_renewed_in_time(reason: str, days: int, renewed: bool, new_authority: bool) -> None:
    api = Api()
    replica = Replica(api)
    await replica.keeper.refresh()
    before, trusted = data(api), authority(api)
    replica.time += timedelta(days=days)
    await replica.keeper.refresh()
    assert (data(api)["tls.crt"] != before["tls.crt"]) is renewed, reason
    assert (authority(api) != trusted) is new_authority, reason


@pytest.mark.parametrize("name", ["ca.crt", "ca.key", "tls.crt", "tls.key"])
@pytest.mark.parametrize("content", [None, "%%%", base64.b64encode(b"something else").decode()])
async def test_what_somebody_has_spoiled_is_made_anew(name: str, content: str | None) -> None:
    api = Api()
    await Replica(api).keeper.refresh()
    api.objects[SECRET]["data"] |= {name: content}
    await Replica(api).keeper.refresh()
    found = data(api)
    identity = Identity(
        authority=KeyPair(certificate=found["ca.crt"], key=found["ca.key"]),
        server=KeyPair(certificate=found["tls.crt"], key=found["tls.key"]),
    )
    assert is_usable(identity, NAMES, now=START)
    assert authority(api).encode() == found["ca.crt"]


@pytest.mark.parametrize("path", [SECRET, CONFIG_MAP])
async def test_what_somebody_has_emptied_is_back_within_a_minute(path: str) -> None:
    api = Api()
    replica = Replica(api)
    await replica.keeper.begin()
    running = asyncio.create_task(replica.keeper.run())
    await replica.asleep.wait()
    api.objects[path]["data"] = {}
    replica.asleep.clear()
    replica.naps.put_nowait(None)
    await replica.asleep.wait()
    assert replica.time - START <= timedelta(minutes=1)
    assert data(api)["ca.crt"].decode() == authority(api)
    running.cancel()


async def test_another_name_needs_another_certificate() -> None:
    api = Api()
    await Replica(api).keeper.refresh()
    trusted = authority(api)
    await Replica(api, names=["logs.example.com"]).keeper.refresh()
    certificate = x509.load_pem_x509_certificate(data(api)["tls.crt"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["logs.example.com"]
    assert authority(api) == trusted


def test_what_a_certificate_says() -> None:
    identity = made(NAMES, now=START)
    server = x509.load_pem_x509_certificate(identity.server.certificate)
    signer = x509.load_pem_x509_certificate(identity.authority.certificate)
    assert server.not_valid_after_utc == START + LIFETIME
    assert signer.not_valid_after_utc == START + AUTHORITY_LIFETIME
    constraints = signer.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert b"PRIVATE" not in repr(identity).encode()
