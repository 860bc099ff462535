"""Endpoints with target: Cluster: what `sagebridge logs` shows of their pods, through a real API server and kubectl."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from sagebridge.cli.logs import app, stream_lines
from sagebridge.cli.objects import NamedObject, ObjectDeletedError
from sagebridge.core.job import Job
from sagebridge_local.golang import kubectl as kubectl_program
from support.kubelet_logs import PodLogs, pod_logs
from typer.testing import CliRunner

from .cluster_serving import NAME, Place, status


@pytest.fixture
def logs(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PodLogs]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(kubectl_program())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("KUBECONFIG", str(place.world.cluster.control_plane.kubeconfig))
    with pod_logs(place.world.cluster.client, tmp_path) as found:
        yield found


def _nothing_of_aws(_: Job) -> NoReturn:
    raise AssertionError("AWS has no log of this")


def test_status_says_where_they_are_and_the_command_shows_them(place: Place, logs: PodLogs) -> None:
    place.create(replicas=2)
    shown = place.objects.wait(NAME, lambda one: "logs" in status(one))
    where = {"podSelector": f"sagebridge.io/endpoint={NAME}", "container": "serve"}
    assert shown["status"]["logs"] == where

    serves, fetches = place.kubelet.pods(2)
    logs.print(serves, "All is ready for serving", container="fetch-model")
    logs.print(serves, "ImportError: no module", container="serve", previous=True)
    logs.print(fetches, "Downloading s3://bucket/model.tar.gz", container="fetch-model", previous=True)
    logs.print(fetches, "There is no such object", container="fetch-model")
    logs.print(serves, "loading the model", container="serve")
    logs.print(serves, '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /ping HTTP/1.1" 200 2', container="serve")
    place.kubelet.crash(serves, said="ImportError: no module", times=1)
    place.kubelet.refuse_model(fetches, "ClientError: There is no such object", times=1)

    result = CliRunner().invoke(app, [f"smep/{NAME}", "--namespace", place.namespace])

    assert result.exit_code == 0, result.output
    first, second = serves.metadata.name, fetches.metadata.name
    assert result.stdout.splitlines() == [
        f"[{first}] ImportError: no module",
        f"[{second}/fetch-model] Downloading s3://bucket/model.tar.gz",
        f"[{second}/fetch-model] There is no such object",
        f"[{first}] loading the model",
    ]


def test_they_are_followed_through_an_update_until_the_object_is_gone(place: Place, logs: PodLogs) -> None:
    place.create(replicas=1)
    place.in_service()
    before = place.revision()
    [old] = place.kubelet.pods(1)
    logs.print(old, "one", container="serve")

    def update() -> None:
        place.edit(replicas=1, model={"environment": {"A": "1"}})
        [new] = place.kubelet.pods(1, revision=place.wait_revision(other_than=before))
        place.kubelet.fetch(new)
        logs.print(new, "Downloading", container="fetch-model")
        logs.print(old, "two", container="serve")

    def delete() -> None:
        place.objects.delete(NAME)
        place.world.eventually(lambda: place.kubelet.end_deleted() or not place.objects.list(), "the object's end")

    meanwhile: list[Callable[[], None] | None] = [update, None, delete, None]

    def wait() -> None:
        if (happens := meanwhile.pop(0)) is not None:
            happens()

    named = NamedObject(f"smep/{NAME}", namespace=place.namespace)
    lines = stream_lines(named.read, client=_nothing_of_aws, follow=True, pause=wait)
    seen: list[tuple[str, str]] = []
    with pytest.raises(ObjectDeletedError, match="was deleted"):
        seen.extend((line.label.removeprefix(NAME), line.text) for line in lines)

    assert [text for _, text in seen] == ["one", "Downloading", "two"]
