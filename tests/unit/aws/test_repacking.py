"""Archives that are packed of what lies in S3: what is read from there, and one at a time."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime

import pytest
from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.names import Owner
from sagebridge.core.serving import Repack
from sagebridge.core.tenancy import Tenant
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker import repacking
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.repacking import Repacker
from support.aws import Reply, ScriptedAws, until

ABSENT = Reply(status=404)
TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=None,
)
HANDLE = Handle(
    owner=Owner(cluster="c", namespace="team-a", name="serve", uid="u"),
    tenant=TENANT,
    region="us-east-1",
    name="serve",
    since=datetime(2026, 1, 1, tzinfo=UTC),
)
REPACK = Repack(
    model_uri="s3://models/model.tar.gz",
    code_uri=None,
    entry_point="inference.py",
    key="k",
    files={"inference.py": b"i"},
)
PACKED = "s3://models/packed.tar.gz"


def repacker(gateway: Gateway) -> Repacker:
    return Repacker(caller=Caller(gateway=gateway))


async def test_a_download_that_breaks_off_is_tried_again(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(ABSENT, Reply(body=bytes(1000), cut=True))
    with pytest.raises(AwsError) as caught:
        await repacker(gateway).repack(HANDLE, REPACK, uri=PACKED)
    assert caught.value.operation == "GetObject"
    assert caught.value.error_class is ErrorClass.FAST_RETRY
    assert [request.operation for request in aws.requests] == ["HEAD", "GET"]


async def test_a_broken_model_is_not_uploaded(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(ABSENT, Reply(body=b"\x1f\x8b no archive"))
    with pytest.raises(SpecError, match="no readable"):
        await repacker(gateway).repack(HANDLE, REPACK, uri=PACKED)
    assert [request.operation for request in aws.requests] == ["HEAD", "GET"]


async def test_who_is_cancelled_keeps_its_turn_until_the_thread_is_done(
    aws: ScriptedAws, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.script = lambda request: {"HEAD": ABSENT, "GET": Reply(body=b"model"), "PUT": Reply()}[request.operation]
    began, go_on, under_way = threading.Semaphore(0), threading.Semaphore(0), [0]
    most = []

    def pack(*_: object, **__: object) -> bytes:
        under_way[0] += 1
        most.append(under_way[0])
        began.release()
        go_on.acquire()
        under_way[0] -= 1
        return b"packed"

    monkeypatch.setattr(repacking, "pack", pack)
    packer = repacker(gateway)
    first = asyncio.create_task(packer.repack(HANDLE, REPACK, uri=PACKED))
    await asyncio.to_thread(began.acquire)
    first.cancel()
    second = asyncio.create_task(packer.repack(HANDLE, REPACK, uri=PACKED))
    await until(lambda: len(aws.requests) == 3)  # the second has looked whether it is there
    is_let_go = first.done()
    go_on.release(2)
    with pytest.raises(asyncio.CancelledError):
        await first
    await second
    assert (is_let_go, most) == (False, [1, 1])
