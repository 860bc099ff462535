"""The volumes of FastFile channels are made where the driver is, for one claim each, and found again."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.fast_file import fast_files
from sagebridge.core.errors import NotAllowedError
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.targets.cluster.fast_files import FastFiles
from sagebridge.targets.cluster.objects import ClusterObjects
from sagebridge.targets.protocol import Handle
from support.cluster_jobs import OWNER

from .test_fast_file import JOB_OWNER, channel, with_volumes

DRIVER = "/apis/storage.k8s.io/v1/csidrivers/s3.csi.aws.com"
VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = f"/api/v1/namespaces/{OWNER.namespace}/persistentvolumeclaims"
JOB = with_volumes(channel())
[ONE] = JOB.fast_files


class ApiServer:
    """Objects by their paths."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {DRIVER: {}}
        self.refused: dict[str, int] = {}
        self.asked: list[str] = []

    async def get(self, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if path in self.refused:
            raise RefusedError("no", status=self.refused[path])
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        return copy.deepcopy(self.objects[path])

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path in self.refused:
            raise RefusedError("no", status=self.refused[path])
        key = f"{path}/{body['metadata']['name']}"
        if key in self.objects:
            raise ConflictError(key, status=409)
        made = copy.deepcopy(body)
        made["metadata"]["uid"] = f"uid-{len(self.objects)}"
        self.objects[key] = made
        return made


def made_of(server: ApiServer, **options: Any) -> FastFiles:
    objects = ClusterObjects(client=server, before_write=lambda: None)
    settings = {"environment": {}, "is_wanted": True, "before_write": lambda: None} | options
    return FastFiles(client=server, objects=objects, **settings)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def handle() -> Handle:
    return Handle(owner=OWNER, tenant=None, region="eu-west-1", name="digits-1", since=datetime.now(UTC))


async def test_where_the_driver_is_they_are_volumes(server: ApiServer, handle: Handle) -> None:
    assert await made_of(server).of(handle, JOB.request) == fast_files(JOB.request, owner=OWNER, attempt=1)


async def test_without_the_driver_they_are_downloaded(server: ApiServer, handle: Handle) -> None:
    del server.objects[DRIVER]

    assert await made_of(server).of(handle, JOB.request) == ()


async def test_an_operator_that_may_not_look_for_the_driver_downloads(server: ApiServer, handle: Handle) -> None:
    server.refused[DRIVER] = 403

    assert await made_of(server).of(handle, JOB.request) == ()


@pytest.mark.parametrize(
    "options",
    [{"is_wanted": False}, {"environment": {"AWS_ENDPOINT_URL_S3": "http://minio:9000"}}],
    ids=["switched off", "an S3 that the driver does not know"],
)
async def test_where_they_are_not_wanted_nobody_asks(server: ApiServer, handle: Handle, options: Any) -> None:
    assert await made_of(server, **options).of(handle, JOB.request) == ()
    assert server.asked == []


async def test_a_job_without_such_channels_costs_no_request(server: ApiServer, handle: Handle) -> None:
    assert await made_of(server).of(handle, with_volumes(channel(mode="File")).request) == ()
    assert server.asked == []


async def test_the_volume_is_reserved_for_the_claim_that_was_made(server: ApiServer, handle: Handle) -> None:
    await made_of(server).make(handle, JOB, owner=JOB_OWNER)

    made = server.objects[f"{CLAIMS}/{ONE.claim}"]
    assert server.objects[f"{VOLUMES}/{ONE.volume}"]["spec"]["claimRef"]["uid"] == made["metadata"]["uid"]


async def test_what_an_earlier_try_has_made_is_found(server: ApiServer, handle: Handle) -> None:
    files = made_of(server)
    await files.make(handle, JOB, owner=JOB_OWNER)
    before = copy.deepcopy(server.objects)
    await files.make(handle, JOB, owner=JOB_OWNER)

    assert server.objects == before


async def test_a_try_that_ended_between_the_two_is_gone_on_with(server: ApiServer, handle: Handle) -> None:
    files = made_of(server)
    await files.make(handle, JOB, owner=JOB_OWNER)
    wanted = server.objects.pop(f"{VOLUMES}/{ONE.volume}")["spec"]
    await files.make(handle, JOB, owner=JOB_OWNER)

    assert server.objects[f"{VOLUMES}/{ONE.volume}"]["spec"] == wanted


async def test_a_claim_of_that_name_that_is_not_the_job_s_is_not_taken(server: ApiServer, handle: Handle) -> None:
    server.objects[f"{CLAIMS}/{ONE.claim}"] = {"metadata": {"name": ONE.claim, "uid": "somebody-s"}}

    with pytest.raises(Exception, match="is not this object's"):
        await made_of(server).make(handle, JOB, owner=JOB_OWNER)

    assert f"{VOLUMES}/{ONE.volume}" not in server.objects


async def test_an_earlier_claim_s_volume_is_waited_for(server: ApiServer, handle: Handle) -> None:
    server.objects[f"{VOLUMES}/{ONE.volume}"] = {"spec": {"claimRef": {"uid": "earlier"}}}

    with pytest.raises(KubeError, match="another claim's"):
        await made_of(server).make(handle, JOB, owner=JOB_OWNER)


async def test_an_operator_that_may_not_make_volumes_says_so(server: ApiServer, handle: Handle) -> None:
    server.refused[VOLUMES] = 403

    with pytest.raises(NotAllowedError, match="does not let the operator run this job"):
        await made_of(server).make(handle, JOB, owner=JOB_OWNER)
