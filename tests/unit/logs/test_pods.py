"""What pods have printed: each line once, from wherever one goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from sagebridge.core.logs.cursor import Positions
from sagebridge.core.logs.lines import Excerpt, Position
from sagebridge.kube.errors import KubeError, NotFoundError, RefusedError
from sagebridge.logs import pods
from sagebridge.logs.pods import Containers, PodSource

SELECTOR = "sagebridge.io/uid=u-1,sagebridge.io/attempt=1"


class Pods:
    """Pods that have printed lines, each with its time to the nanosecond."""

    def __init__(self, **lines: list[str]) -> None:
        self.printed = {name.replace("_", "-"): list(found) for name, found in lines.items()}
        self.errors: dict[str, KubeError] = {}
        self.asked: list[Mapping[str, str]] = []
        self.is_cut = False
        self.silent: set[str] = set()
        self.at_once = 0
        self.lists = 0
        self.time = 0.0
        self.most_at_once = 0
        self.status: dict[str, Any] = {}

    def clock(self) -> float:
        return self.time

    async def list(self, path: str, *, selector: str) -> AsyncIterator[dict[str, Any]]:
        self.lists += 1
        assert (path, selector) == ("/api/v1/namespaces/team/pods", SELECTOR)
        for name in self.printed:
            yield {"metadata": {"name": name}, "status": self.status}

    async def stream(self, path: str, *, parameters: Mapping[str, str]) -> AsyncIterator[bytes]:
        name = path.split("/")[-2]
        self.asked.append(parameters)
        if name in self.errors:
            raise self.errors[name]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await (asyncio.Event().wait() if name in self.silent else asyncio.sleep(0))
        finally:
            self.at_once -= 1
        since = parameters.get("sinceTime", "").rstrip("Z")
        lines = [line for line in self.printed[name] if line[:19] >= since]
        lines = lines[-int(parameters["tailLines"]) :] if "tailLines" in parameters else lines
        content = "".join(f"{line}\n" for line in lines).encode()
        content = content[:-1] if self.is_cut else content
        for at in range(0, len(content), 7):
            yield content[at : at + 7]


def at(second: float, text: str) -> str:
    return f"2026-01-01T00:00:{second:012.9f}Z {text}"


def source(found: Pods, *, start: Positions | None = None, tail: int | None = None, patience: float = 5.0) -> PodSource:
    client: Any = found
    containers = Containers(namespace="team", selector=SELECTOR, container="train")
    return PodSource(
        client=client,
        containers=containers,
        start=start,
        excerpt=Excerpt(tail=tail),
        patience=patience,
        clock=found.clock,
    )


async def texts(reader: PodSource) -> list[str]:
    look = await reader.look(thorough=True)
    return [line.text for line in look.lines]


async def test_lines_of_all_hosts_in_order_of_time() -> None:
    found = Pods(job_0=[at(1, "one"), at(3, "three")], job_1=[at(2, "caf\u00e9 \x1b[31mtwo")])
    reader = source(found)
    assert await texts(reader) == ["one", "caf\u00e9 two", "three"]
    assert await texts(reader) == []
    found.printed["job-1"] += [at(3.5, "more")]
    found.printed["job-2"] = [at(1, "late")]
    assert await texts(reader) == ["late", "more"]
    assert {one["container"] for one in found.asked} == {"train"}


async def test_one_goes_on_behind_every_line() -> None:
    lines = [at(1, "a"), at(1.000000001, "b"), at(1.000000001, "c"), at(1.000000001, "d"), at(2, "e")]
    whole = (await source(Pods(job_0=lines)).look()).lines
    for number, line in enumerate(whole, 1):
        start = {pods.stream_key("job-0"): line.position}
        assert await texts(source(Pods(job_0=lines), start=start)) == ["a", "b", "c", "d", "e"][number:]


async def test_only_the_last_lines() -> None:
    found = Pods(job_0=[at(1, "a"), at(3, "c")], job_1=[at(2, "b"), at(4, "d")])
    reader = source(found, tail=2)
    look = await reader.look()
    assert [line.text for line in look.lines] == ["c", "d"]
    assert await texts(source(found, start=look.before)) == ["c", "d"]
    found.printed["job-0"].append(at(5, "e"))
    assert await texts(reader) == ["e"]


async def test_a_large_log_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "MOST_CHARACTERS", 600)
    everything = [f"line {number}" for number in range(9)]
    reader = source(Pods(job_0=[at(1, text) for text in everything]))
    told: list[str] = []
    looks = 0
    while True:
        look = await reader.look()
        told += [line.text for line in look.lines]
        looks += 1
        if look.is_complete:
            break
    assert told == everything, "also where all were printed in one second"
    assert looks == 4, "an empty line takes up memory as well"


async def test_the_last_lines_are_no_more_than_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "MOST_CHARACTERS", 1000)
    found = Pods(
        job_0=[at(second, "x" * 100) for second in range(20)], job_1=[at(second, "y") for second in range(1, 20)]
    )
    reader = source(found, tail=15)
    look = await reader.look()
    assert sum(line.size for line in look.lines) <= 1000
    assert [line.text for line in look.lines] == ["y", "x" * 100, "y"]
    found.printed["job-0"].append(at(30, "more"))
    assert await texts(reader) == ["more"]
    assert await texts(source(found, start=look.before)) == [*(line.text for line in look.lines), "more"]


@pytest.mark.parametrize(
    ("reason", "error", "trouble"),
    [
        ("a pod that was removed", NotFoundError("gone", status=404), ""),
        ("a container that waits", RefusedError("waiting to start", status=400), ""),
        ("a node that can't be reached", KubeError("bad gateway", status=502), "job-0: bad gateway"),
    ],
)
async def test_a_pod_that_can_not_be_read(reason: str, error: KubeError, trouble: str) -> None:
    found = Pods(job_0=[at(1, "a")], job_1=[at(2, "b")])
    found.errors["job-0"] = error
    reader = source(found)
    look = await reader.look()
    assert ([line.text for line in look.lines], look.trouble) == (["b"], trouble), reason
    found.errors.clear()
    assert await texts(reader) == ["a"]


RUNNING = {"phase": "Running", "containerStatuses": [{"name": "train", "state": {"running": {}}}]}
OTHER_ENDED = {"phase": "Running", "containerStatuses": [{"name": "other", "state": {"terminated": {"exitCode": 0}}}]}
ENDED = {"phase": "Running", "containerStatuses": [{"name": "train", "state": {"terminated": {"exitCode": 0}}}]}


@pytest.mark.parametrize(
    ("reason", "status", "want"),
    [
        ("it may go on", RUNNING, ["whole"]),
        ("it may go on, whatever is beside it", OTHER_ENDED, ["whole"]),
        ("these are its last words", ENDED, ["whole", "half"]),
        ("nothing runs in the pod", {"phase": "Failed"}, ["whole", "half"]),
    ],
)
async def test_a_last_line_that_has_no_end(reason: str, status: dict[str, Any], want: list[str]) -> None:
    found = Pods(job_0=[at(1, "whole"), at(2, "half")])
    found.is_cut, found.status = True, status
    reader = source(found)
    assert await texts(reader) == want, reason
    assert await texts(reader) == []
    found.is_cut = False
    assert await texts(reader) == ["whole", "half"][len(want) :]


async def test_lines_of_one_millisecond_whose_times_are_not_in_order() -> None:
    """A container prints on two ways; none of it is told twice, and none is lost."""
    found = Pods(job_0=[at(1.000000002, "second"), at(1.000000001, "first")], job_1=[at(1.000000001, "other")])
    reader = source(found)
    look = await reader.look()
    assert [line.text for line in look.lines] == ["first", "other", "second"]
    of_one = [line.position for line in look.lines if line.stream == "job-0"]
    assert of_one == sorted(of_one), "a follower passes over what is behind what it has"
    assert await texts(reader) == []
    assert await texts(source(found, start=look.after)) == []


async def test_a_pod_that_is_gone_is_forgotten() -> None:
    """So is one that there never was: anybody may write a cursor."""
    found = Pods(job_0=[at(1, "a")], job_1=[at(2, "b")])
    reader = source(found, start={"0123456789": Position(1, 1)})
    assert set((await reader.look()).after) == {pods.stream_key("job-0"), pods.stream_key("job-1")}
    del found.printed["job-0"]
    assert set((await reader.look(thorough=True)).after) == {pods.stream_key("job-1")}


async def test_pods_are_read_side_by_side() -> None:
    found = Pods(**{f"job_{number}": [at(1, f"{number}")] for number in range(30)})
    assert len(await texts(source(found))) == 30
    assert found.most_at_once == 8


async def test_a_node_that_keeps_silent_does_not_keep_the_others_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = Pods(job_0=[at(1, "a")], job_1=[at(2, "b")])
    found.silent.add("job-0")
    reader = source(found, patience=0.3)
    for want in (["b"], [], []):
        look = await reader.look()
        assert ([line.text for line in look.lines], look.trouble) == (want, "job-0: no answer for 0.3 seconds")
    assert caplog.text.count("can't be read now") == 1
    found.silent.clear()
    look = await reader.look()
    assert ([line.text for line in look.lines], look.trouble) == (["a"], "")


async def test_which_pods_there_are_is_asked_every_three_seconds() -> None:
    """Once there are some, and until the job is over."""
    found = Pods()
    reader = source(found)
    for _ in range(2):
        await reader.look()
    assert found.lists == 2
    found.printed["job-0"] = [at(1, "a")]
    for seconds in (0, 1, 1, 1, 1, 1, 1):
        found.time += seconds
        await reader.look()
    assert found.lists == 5
    await reader.look(thorough=True)
    assert found.lists == 6
