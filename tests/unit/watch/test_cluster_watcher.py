"""Which jobs on the cluster are followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.job import Attempt, Job
from sagebridge.core.names import Owner
from sagebridge.core.observation import Observation, Phase
from sagebridge.engine.store import Store
from sagebridge.kinds.batch_transform import KIND
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.errors import KubeError
from sagebridge.targets.protocol import Handle
from sagebridge.watch.cluster_watcher import ClusterWatcher
from sagebridge.watch.sight import Sight
from support.sights import BLIND, LOST, SEEING, STARTING, Following, sight

OPEN, STOPPING, GONE = (Observation(phase=phase) for phase in (Phase.OPEN, Phase.STOPPING, Phase.GONE))
RECORDED = {"number": 1, "recordedAt": "2026-01-01T00:00:00Z"}
KNOWN = {**RECORDED, "arn": "arn:kubernetes:batch:eu-west-1:n:job/a"}


class Inputs:
    def handle(self, job: Job, kind: JobKind, attempt: Attempt) -> Handle:
        owner = Owner(cluster="c", namespace=job.namespace, name=job.name, uid=job.uid)
        since = datetime(2026, 1, 1, tzinfo=UTC)
        return Handle(owner=owner, tenant=None, region="eu-west-1", name="a", since=since, attempt=attempt.number)


class Engine:
    def __init__(self) -> None:
        self.seen: list[tuple[str, Observation]] = []
        self.blind: dict[str, str] = {}

    def observed(self, uid: str, observation: Observation, *, attempt: int, after: Observation | None) -> None:
        self.seen.append((uid, observation))

    def observation_failed(self, uid: str, because: str) -> None:
        self.blind[uid] = because


NONE = Sight((), stale_after=1.0)


class Target:
    """Its job has stopped."""

    stopped = Observation(phase=Phase.STOPPED)

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        return {handle.owner.uid: self.stopped for handle in handles}

    def __init__(self) -> None:
        self.tidied: list[int] = []
        self.attended: list[int] = []
        self.fails: dict[int, Exception] = {}

    async def attend(self, handle: Handle, job: Job, *, is_partly_seen: bool = False) -> None:
        self.attended.append(handle.attempt)

    async def tidy(self, handle: Handle) -> None:
        self.tidied.append(handle.attempt)
        if handle.attempt in self.fails:
            raise self.fails[handle.attempt]


def body(uid: str, attempt: dict[str, Any], target: str, *, namespace: str = "n") -> dict[str, Any]:
    metadata = {"uid": uid, "namespace": namespace, "name": uid, "resourceVersion": "1", "generation": 1}
    stamps = {"creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": {**metadata, **stamps}, "spec": {"target": target}, "status": {"attempts": [attempt]}}


@pytest.mark.parametrize(
    ("reason", "attempt", "seen", "target", "is_followed"),
    [
        ("status knows of it", KNOWN, None, "Cluster", True),
        ("it may not have been made yet", RECORDED, None, "Cluster", False),
        (
            "it was found to be there, and status could not be told before it was deleted",
            RECORDED,
            OPEN,
            "Cluster",
            True,
        ),
        ("it was told to stop then", RECORDED, STOPPING, "Cluster", True),
        ("it was found not to be there", RECORDED, GONE, "Cluster", False),
        ("it has ended", {**KNOWN, "status": "Failed"}, None, "Cluster", False),
        ("it runs on SageMaker", KNOWN, None, "SageMaker", False),
    ],
)
async def test_which_are_followed(
    reason: str, attempt: dict[str, Any], seen: Observation | None, target: str, is_followed: bool
) -> None:
    store, engine = Store(), Engine()
    store.put(KIND.name, body("u", attempt, target)).observation = seen
    watcher = ClusterWatcher(engine=engine, store=store, inputs=Inputs(), sight=NONE, interval=1.0)
    watcher.watch(KIND, Target())

    await watcher._look_at("u", 1)

    assert engine.seen == ([("u", Target.stopped)] if is_followed else []), reason


@pytest.mark.parametrize(
    ("reason", "end", "target", "is_tidied"),
    [
        ("a queue may run it again", {"status": "Failed", "reason": "Interrupted"}, "Cluster", True),
        ("so it may what was told to stop", {"status": "Stopped"}, "Cluster", True),
        ("it has ended by itself", {"status": "Failed", "reason": "AlgorithmError"}, "Cluster", False),
        ("it has ended well", {"status": "Completed"}, "Cluster", False),
        ("it has not ended", {}, "Cluster", False),
        ("it ran on SageMaker", {"status": "Stopped"}, "SageMaker", False),
    ],
)
async def test_which_are_tidied_up(reason: str, end: dict[str, str], target: str, is_tidied: bool) -> None:
    store, found = Store(), Target()
    memory = store.put(KIND.name, body("u", KNOWN | end, target))
    watcher = ClusterWatcher(engine=Engine(), store=store, inputs=Inputs(), sight=NONE, interval=1.0)
    watcher.watch(KIND, found)

    await watcher._tidy(memory)

    assert found.tidied == ([1] if is_tidied else []), reason


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("the API server is away", KubeError("connection refused")),
        ("the operator may not", NotAllowedError("spec.target", "no")),
        ("nobody has thought of this", KeyError("metadata")),
    ],
)
async def test_one_that_can_not_be_tidied_up_does_not_keep_the_others_from_it(
    reason: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    store, found = Store(), Target()
    stopped = [KNOWN | {"number": number, "status": "Stopped"} for number in (1, 2)]
    memory = store.put(KIND.name, body("u", stopped[0], "Cluster") | {"status": {"attempts": stopped}})
    found.fails[1] = error
    watcher = ClusterWatcher(engine=Engine(), store=store, inputs=Inputs(), sight=NONE, interval=1.0)
    watcher.watch(KIND, found)

    await watcher._tidy(memory)

    assert found.tidied == [1, 2], reason
    assert "can't be tidied up" in caplog.text


NOBODY_LOOKS = "the Jobs, pods and trials of namespace b can't be followed: GET /b/pods: pods is forbidden."


@pytest.mark.parametrize(
    ("reason", "b", "seen", "blind"),
    [
        ("both are followed", SEEING, ["of-a", "of-b"], {}),
        ("one was not listed yet", STARTING, ["of-a"], {}),
        ("one can't be listed", BLIND, ["of-a"], {"of-b": NOBODY_LOOKS}),
    ],
)
async def test_a_namespace_that_can_not_be_listed_blinds_no_other(
    reason: str, b: Following, seen: list[str], blind: dict[str, str]
) -> None:
    store, engine = Store(), Engine()
    for namespace in ("a", "b"):
        store.put(KIND.name, body(f"of-{namespace}", KNOWN, "Cluster", namespace=namespace))
    watcher = ClusterWatcher(engine=engine, store=store, inputs=Inputs(), sight=sight(a=SEEING, b=b), interval=1.0)
    watcher.watch(KIND, Target())

    await watcher._see_to_all()

    assert ([uid for uid, _ in engine.seen], engine.blind) == (seen, blind), reason


@pytest.mark.parametrize(
    ("reason", "found", "seen", "attended", "is_kept"),
    [
        ("all of the namespace is known", SEEING, ["u"], [1], False),
        ("its pods may come a moment later: a Job without them is not one that lacks them", STARTING, [], [], True),
        ("its trials can't be listed, which the rounds tell; agents are told what is seen", BLIND, [], [1], False),
        ("its trials could be, and can't any more; agents are told what is seen", LOST, [], [1], False),
    ],
)
async def test_what_has_changed_is_looked_at_once_all_of_its_namespace_is_known(
    reason: str, found: Following, seen: list[str], attended: list[int], is_kept: bool
) -> None:
    store, engine = Store(), Engine()
    store.put(KIND.name, body("u", KNOWN, "Cluster"))
    watcher = ClusterWatcher(engine=engine, store=store, inputs=Inputs(), sight=sight(n=found), interval=1.0)
    target = Target()
    watcher.watch(KIND, target)

    await watcher._look_at("u", 1)

    assert ([uid for uid, _ in engine.seen], target.attended) == (seen, attended), reason
    assert watcher._changes.has_changed is is_kept, reason
