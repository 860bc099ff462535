"""One slow answer of the API server holds up neither the other pods of a job nor the other jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.cluster.names import ANNOTATION_ENDED, JOB_NAME_LABEL, LABEL_ATTEMPT, LABEL_UID, kubernetes_name
from sagebridge.core.names import Owner
from sagebridge.targets.cluster.view import ClusterView
from sagebridge.targets.protocol import Handle
from sagebridge.watch import changes
from sagebridge.watch.cluster_watcher import ClusterWatcher
from support.cluster_jobs import OWNER, cluster_target, ended, kubernetes_job, pod, running
from support.sights import sight


class Calls:
    """Takes a while for each, and counts how many are under way."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.told: list[Any] = []
        self.all = asyncio.Event()

    async def take(self, what: Any) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        self.under_way -= 1
        self.told.append(what)
        if len(self.told) == 3:
            self.all.set()

    async def annotate_pod(self, body: Mapping[str, Any], annotations: Mapping[str, str]) -> None:
        await self.take((body["metadata"]["name"], annotations))

    async def end_pod(self, body: Mapping[str, Any]) -> None:
        await self.take(body["metadata"]["name"])


def handle_of(owner: Owner) -> Handle:
    return Handle(owner=owner, tenant=None, region="eu-west-1", name="job", since=datetime(2026, 1, 1, tzinfo=UTC))


def of_attempt(body: dict[str, Any]) -> dict[str, Any]:
    name = kubernetes_name(OWNER, 1)
    body["metadata"] |= {
        "namespace": OWNER.namespace,
        "labels": {LABEL_UID: OWNER.uid, LABEL_ATTEMPT: "1", JOB_NAME_LABEL: name},
    }
    return body


async def test_all_agents_are_told_at_once_that_training_has_ended() -> None:
    view, calls = ClusterView(), Calls()
    job = of_attempt(kubernetes_job())
    job["metadata"]["name"] = kubernetes_name(OWNER, 1)
    view.put_job(job)
    for index in range(3):
        view.put_pod(of_attempt(pod(index, prepare=ended(2, 5), train=ended(6, 9, index), agent=running(6))))
    view.put_pod(of_attempt(pod(3, prepare=ended(2, 5), train=running(6), agent=running(6))))
    target = cluster_target(objects=calls, view=view)

    await target.attend(handle_of(OWNER), None)

    assert sorted(calls.told) == [(f"job-{index}-x7k2p", {ANNOTATION_ENDED: str(index)}) for index in range(3)]
    assert calls.most == 3


async def test_jobs_that_have_changed_are_looked_at_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    monkeypatch.setattr(changes, "_GATHER_SECONDS", 0.0)
    watcher = ClusterWatcher(engine=None, store=None, inputs=None, sight=sight(), interval=1.0)
    monkeypatch.setattr(watcher, "_look_at", lambda uid, attempt: calls.take((uid, attempt)))
    for uid in ("u1", "u2", "u3"):
        watcher.note(uid, 1)

    following = asyncio.create_task(watcher._hand_on())
    await calls.all.wait()
    following.cancel()

    assert sorted(calls.told) == [("u1", 1), ("u2", 1), ("u3", 1)]
    assert calls.most == 3


async def test_a_pod_whose_agent_has_died_is_ended() -> None:
    view, calls = ClusterView(), Calls()
    job = of_attempt(kubernetes_job())
    job["metadata"]["name"] = kubernetes_name(OWNER, 1)
    view.put_job(job)
    view.put_pod(of_attempt(pod(0, train=running(6), agent=ended(6, 9, 137))))
    view.put_pod(of_attempt(pod(1, train=running(6), agent=running(6))))
    view.put_pod(of_attempt(pod(2, train=ended(6, 9), agent=ended(6, 9))))
    target = cluster_target(objects=calls, view=view)

    await target.attend(handle_of(OWNER), None)

    assert calls.told == ["job-0-x7k2p"]
