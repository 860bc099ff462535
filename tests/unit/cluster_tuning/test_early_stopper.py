"""Logs of running trials are read part by part, and what they say outlives the operator that has read it."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest
from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.names import COMPLETION_INDEX, JOB_NAME_LABEL, annotations_of, kubernetes_name
from sagebridge.core.cluster.tuning.plan import STOP
from sagebridge.core.cluster.tuning.series import ANNOTATION_SERIES
from sagebridge.core.cluster.tuning.trials import ANNOTATION_STOPPED_EARLY
from sagebridge.core.job import Job
from sagebridge.core.names import Owner
from sagebridge.kube.errors import KubeError, NotFoundError
from sagebridge.targets.cluster import trial_logs
from sagebridge.targets.cluster.early_stopper import EarlyStopper
from sagebridge.targets.cluster.view import ClusterView

from .searches import CREATED, OWNER, ended, limited
from .test_tuner import NOW, ApiServer, Search

STARTED = {"startedAt": CREATED}


class LogServer(ApiServer):
    """Has the logs of pods, too, as a kubelet hands them out; a number instead of one is the status of an error."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: dict[str, list[str] | int] = {}
        self.asked: list[dict[str, str]] = []
        self.writes: list[dict[str, Any]] = []

    async def stream(self, path: str, *, parameters: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        self.asked.append(dict(parameters))
        found = self.logs.get(path.split("/")[-2], [])
        if isinstance(found, int):
            raise (NotFoundError if found == 404 else KubeError)("no", status=found)
        since = parse_time(parameters.get("sinceTime", CREATED))
        text = "".join(line + "\n" for line in found if parse_time(line.split()[0]) >= since)
        yield text.encode()[: int(parameters["limitBytes"])]

    async def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.writes.append(body)
        return await super().patch(path, body)


class Stopped(Search):
    """A search with early stopping, whose trials have pods of `hosts` hosts."""

    def __init__(self, *, hosts: int = 1, **config: Any) -> None:
        super().__init__(limited(9, 4, **({"trainingJobEarlyStoppingType": "Auto"} | config)))
        self._hosts = hosts
        server = LogServer()
        server.objects = self.server.objects
        self.server: LogServer = server
        self.restart()

    def restart(self) -> None:
        super().restart()
        self.pods = ClusterView()
        self.stopper = EarlyStopper(
            client=self.server,  # type: ignore[arg-type]
            objects=self.tuner._objects,
            view=self.pods,
            tuner=self.tuner,
            now=lambda: NOW,
            pause=1.0,
        )

    async def begin(self, count: int) -> list[str]:
        """Make trials, and let the first ones train; the paths of those."""
        await self.attend()
        paths = sorted(self.server.trials)[:count]
        for path in paths:
            self.server.objects[path]["status"] = {"attempts": [{"number": 1, "arn": "arn", "recordedAt": CREATED}]}
            self.train(path)
        return paths

    def train(self, path: str, *, run: int = 1, left: Sequence[int] | None = None, **state: Any) -> None:
        """Have a trial's pods train, or say how they have ended.

        `run` tells new pods from old ones, and `left` which hosts still have one, if not all.
        """
        body = self.server.objects[path]
        self.view.put(copy.deepcopy(body))
        metadata = body["metadata"]
        owner = Owner(cluster="c1", namespace="team", name=metadata["name"], uid=metadata["uid"])
        name = kubernetes_name(owner, 1)
        uid = f"job-{metadata['uid']}"
        self.pods.put_job(
            {"metadata": {"namespace": "team", "name": name, "uid": uid}, "spec": {"completions": self._hosts}}
        )
        for index in range(self._hosts) if left is None else left:
            pod = {
                "metadata": {
                    "namespace": "team",
                    "name": pod_name(path, index),
                    "uid": f"{metadata['name']}-{index}-{run}",
                    "creationTimestamp": CREATED,
                    "annotations": {COMPLETION_INDEX: str(index)},
                    "labels": {JOB_NAME_LABEL: name},
                    "ownerReferences": [{"uid": uid, "controller": True}],
                },
                "status": {"containerStatuses": [{"name": "train", "state": state or {"running": STARTED}}]},
            }
            self.pods.put_pod(pod)

    def log(self, path: str, *values: float, second: int = 0, host: int = 0) -> None:
        """A pod logs values, one each second."""
        lines = self.server.logs.setdefault(pod_name(path, host), [])
        assert isinstance(lines, list)
        lines += [f"2026-01-01T00:00:{second + place:02d}.5Z score={value}" for place, value in enumerate(values)]

    async def look(self) -> None:
        """Look once, and hear what has come of it."""
        await self.stopper.look(self.handle)
        for path in self.server.trials:
            self.view.put(copy.deepcopy(self.server.objects[path]))

    def annotation(self, path: str, name: str) -> Any:
        return json.loads(annotations_of(self.server.objects[path]).get(name) or "null")

    def values(self, path: str) -> Any:
        return (self.annotation(path, ANNOTATION_SERIES) or {}).get("values")


def pod_name(path: str, index: int) -> str:
    return f"{path.rpartition('/')[2]}-{index}"


async def two_good_ones(search: Stopped) -> list[str]:
    """Four trials, of which the first two have logged and ended."""
    paths = await search.begin(4)
    for path in paths[:2]:
        search.log(path, 0.7, 0.8, 0.9)
    await search.look()
    for path in paths[:2]:
        search.train(path, terminated={"exitCode": 0, **STARTED})
        search.end(path, value=0.9)
    return paths


@pytest.fixture
def search() -> Stopped:
    return Stopped()


async def test_what_falls_behind_is_stopped(search: Stopped) -> None:
    paths = await two_good_ones(search)
    search.log(paths[2], 0.6, 0.1)
    search.log(paths[3], 0.8)
    await search.look()
    stopped, going = (search.server.objects[path] for path in paths[2:])
    assert stopped["spec"]["runPolicy"]["suspend"] is True
    assert search.annotation(paths[2], ANNOTATION_STOPPED_EARLY)["by"] == "MedianRule"
    assert going["spec"]["runPolicy"].get("suspend") is None


async def test_a_log_is_read_on_where_the_last_look_ended(search: Stopped) -> None:
    [path] = await search.begin(1)
    search.log(path, 0.1, 0.2)
    await search.look()
    search.log(path, 0.3, second=2)
    await search.look()
    assert search.values(path) == [0.1, 0.2, 0.3]
    assert [one.get("sinceTime") for one in search.server.asked] == [None, "2026-01-01T00:00:01Z"]
    assert {one["limitBytes"] for one in search.server.asked} == {str(trial_logs.MOST_BYTES)}


async def test_a_look_without_anything_new_writes_nothing(search: Stopped) -> None:
    [path] = await search.begin(1)
    search.log(path, 0.1)
    await search.look()
    search.server.writes.clear()
    await search.look()
    await search.look()
    assert search.server.writes == []


async def test_another_operator_goes_on_from_what_is_written(search: Stopped) -> None:
    paths = await two_good_ones(search)
    search.log(paths[2], 0.75)
    await search.look()
    search.restart()
    for path in paths:
        search.train(path)
    search.log(paths[2], 0.1, second=1)
    search.server.logs |= {pod_name(path, 0): [] for path in paths[:2]}
    await search.look()
    assert search.values(paths[2]) == [0.75, 0.1]
    assert search.values(paths[0]) == [0.7, 0.8, 0.9]
    assert search.server.objects[paths[2]]["spec"]["runPolicy"]["suspend"] is True


async def test_an_operator_that_ends_before_it_has_stopped_a_trial_is_followed_by_one_that_does(
    search: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = await two_good_ones(search)
    search.log(paths[2], 0.1)

    async def gone(*_: Any) -> None:
        raise KubeError("no")

    with monkeypatch.context() as patched:
        patched.setattr(search.stopper, "_carry_out", gone)
        with pytest.raises(KubeError):
            await search.stopper.look(search.handle)
    assert search.server.objects[paths[2]]["spec"]["runPolicy"].get("suspend") is None
    search.restart()
    for path in paths:
        search.train(path)
    await search.look()
    assert search.server.objects[paths[2]]["spec"]["runPolicy"]["suspend"] is True


async def test_other_pods_begin_another_series(search: Stopped) -> None:
    """What was interrupted may repeat itself: its old values must not count twice."""
    [path] = await search.begin(1)
    search.log(path, 0.1, 0.2, 0.3)
    await search.look()
    search.train(path, run=2)
    search.server.logs[pod_name(path, 0)] = []
    search.log(path, 0.25, second=30)
    await search.look()
    assert search.values(path) == [0.25]


async def test_the_values_of_all_hosts_count() -> None:
    search = Stopped(hosts=2)
    [path] = await search.begin(1)
    search.log(path, 0.1, 0.3, host=0)
    search.log(path, 0.2, host=1, second=1)
    await search.look()
    assert sorted(search.values(path)) == [0.1, 0.2, 0.3]
    assert search.values(path)[0] == 0.1


async def test_what_an_ended_trial_has_shown_stays_though_its_pods_go() -> None:
    """Nodes that nobody needs any more are taken away one by one; the next operator sees the pods that are left."""
    search = Stopped(hosts=2)
    paths = await two_good_ones(search)
    await search.look()
    search.restart()
    for path in paths[:2]:
        search.train(path, left=[1], terminated={"exitCode": 0, **STARTED})
    search.train(paths[2])
    search.log(paths[2], 0.1)
    await search.look()
    assert [search.values(path) for path in paths[:2]] == [[0.7, 0.8, 0.9]] * 2
    assert search.server.objects[paths[2]]["spec"]["runPolicy"]["suspend"] is True


async def test_an_operator_that_does_not_see_all_pods_yet_forgets_nothing() -> None:
    search = Stopped(hosts=2)
    [path] = await search.begin(1)
    search.log(path, 0.1)
    search.log(path, 0.2, host=1, second=1)
    await search.look()
    search.restart()
    search.train(path, left=[1])
    await search.look()
    assert search.values(path) == [0.1, 0.2]
    search.train(path)
    search.log(path, 0.3, second=2)
    await search.look()
    assert search.values(path) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("status", [500, 503])
async def test_a_log_that_is_not_to_be_had_now_is_read_later(search: Stopped, status: int) -> None:
    paths = await search.begin(2)
    search.log(paths[1], 0.5)
    search.server.logs[pod_name(paths[0], 0)] = status
    search.train(paths[0], terminated={"exitCode": 0, **STARTED})
    await search.look()
    assert (search.values(paths[0]), search.values(paths[1])) == (None, [0.5])
    search.server.logs[pod_name(paths[0], 0)] = []
    search.log(paths[0], 0.4)
    await search.look()
    assert search.annotation(paths[0], ANNOTATION_SERIES)["values"] == [0.4]
    assert search.annotation(paths[0], ANNOTATION_SERIES)["isWhole"] is True


@pytest.mark.parametrize("status", [400, 404])
async def test_a_log_that_is_gone_is_not_asked_for_again(search: Stopped, status: int) -> None:
    [path] = await search.begin(1)
    search.server.logs[pod_name(path, 0)] = status
    search.train(path, terminated={"exitCode": 0, **STARTED})
    await search.look()
    await search.look()
    assert len(search.server.asked) == 1


async def test_a_long_log_is_read_in_several_looks(search: Stopped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_logs, "MOST_BYTES", 100)
    [path] = await search.begin(1)
    search.log(path, *(number / 100 for number in range(8)))
    for _ in range(8):
        await search.look()
    assert search.values(path) == [number / 100 for number in range(8)]


async def test_a_line_that_is_cut_off_is_no_value_though_training_has_ended(
    search: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_logs, "MOST_BYTES", 100)
    [path] = await search.begin(1)
    search.log(path, 0.25, 0.25, 0.25)
    search.train(path, terminated={"exitCode": 0, **STARTED})
    await search.look()
    assert search.values(path) == [0.25, 0.25]
    await search.look()
    assert search.values(path) == [0.25, 0.25, 0.25]


async def test_a_second_that_fills_a_look_is_not_looked_at_for_ever(
    search: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_logs, "MOST_BYTES", 100)
    [path] = await search.begin(1)
    search.server.logs[pod_name(path, 0)] = [f"2026-01-01T00:00:00.{place}Z nothing" for place in range(100, 200)]
    search.log(path, 0.5, second=1)
    for _ in range(4):
        await search.look()
    assert search.values(path) == [0.5]


async def test_an_expression_that_is_a_bomb_costs_the_early_stopping(search: Stopped) -> None:
    [path] = await search.begin(1)
    search.log(path, 0.5)
    [record] = [body for body in search.server.objects.values() if body["kind"] == "ConfigMap"]
    [before] = set(re.findall(r'"Regex": ("[^"]*")', record["data"]["tuning-job.json"]))
    bomb = json.dumps("(?:(?:(?:a|b){500}){500}){50}")
    record["data"]["tuning-job.json"] = record["data"]["tuning-job.json"].replace(before, bomb)
    search.restart()
    search.train(path)
    await search.look()
    assert search.values(path) is None


@pytest.mark.parametrize(
    ("reason", "config"),
    [("switched off", {"trainingJobEarlyStoppingType": "Off"}), ("not asked for", {"strategy": "Random"})],
)
async def test_a_search_that_does_not_ask_for_it_reads_no_log(reason: str, config: dict[str, str]) -> None:
    search = Stopped(**({"trainingJobEarlyStoppingType": "Off"} | config))
    [path] = await search.begin(1)
    search.log(path, 0.5)
    await search.look()
    assert search.server.asked == [], reason


async def test_a_search_that_is_being_ended_reads_no_log(search: Stopped) -> None:
    [path] = await search.begin(1)
    search.log(path, 0.5)
    await search.tuner.end(search.handle, STOP)
    await search.look()
    assert search.server.asked == []


async def test_a_paused_search_is_not_looked_at(search: Stopped) -> None:
    metadata = {"uid": OWNER.uid, "namespace": "team", "name": "tune", "annotations": {"sagebridge.io/paused": "true"}}
    search.stopper.attend(search.handle, Job.parse({"metadata": metadata, "spec": {}}))
    assert search.stopper._due == {}


async def test_a_trial_that_is_gone_meanwhile_is_left(search: Stopped) -> None:
    paths = await two_good_ones(search)
    search.log(paths[2], 0.1)
    del search.server.objects[paths[3]]
    await search.look()
    assert search.server.objects[paths[2]]["spec"]["runPolicy"]["suspend"] is True


async def test_what_ended_between_two_looks_is_compared_with_whole(search: Stopped) -> None:
    paths = await search.begin(4)
    for path in paths[:2]:
        search.log(path, 0.7, 0.8)
        search.server.objects[path] = ended(search.server.objects[path], value=0.8)
        search.train(path, terminated={"exitCode": 0, **STARTED})
    search.log(paths[2], 0.1, 0.1)
    await search.look()
    assert search.values(paths[0]) == [0.7, 0.8]
    assert search.server.objects[paths[2]]["spec"]["runPolicy"]["suspend"] is True
