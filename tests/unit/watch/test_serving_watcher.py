"""Which Endpoints on the cluster are told that nothing of them can be seen."""

from __future__ import annotations

import pytest
from sagebridge.engine.store import Store
from sagebridge.kinds import ENDPOINT
from sagebridge.watch.serving_watcher import ServingWatcher
from support.sights import BLIND, SEEING, STARTING, Following, sight

NOBODY_LOOKS = "the Deployments and pods of namespace b can't be followed: GET /b/pods: pods is forbidden."


class Engine:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.blind: dict[str, str] = {}

    def observation_failed(self, uid: str, because: str) -> None:
        self.blind[uid] = because

    def observation_worked(self, uid: str) -> None:
        self.seen.append(uid)


def put(store: Store, namespace: str, target: str = "Cluster") -> None:
    metadata = {"uid": f"of-{namespace}-{target}", "namespace": namespace, "name": target, "resourceVersion": "1"}
    store.put(ENDPOINT.kind, {"metadata": metadata, "spec": {"target": target}})


@pytest.mark.parametrize(
    ("reason", "b", "seen", "blind"),
    [
        ("both are followed", SEEING, ["of-a-Cluster", "of-b-Cluster"], {}),
        ("one was not listed yet", STARTING, ["of-a-Cluster"], {}),
        ("one can't be listed", BLIND, ["of-a-Cluster"], {"of-b-Cluster": NOBODY_LOOKS}),
    ],
)
def test_a_namespace_that_can_not_be_listed_blinds_no_other(
    reason: str, b: Following, seen: list[str], blind: dict[str, str]
) -> None:
    store, engine = Store(), Engine()
    for namespace in ("a", "b"):
        put(store, namespace)
    put(store, "b", "SageMaker")
    watcher = ServingWatcher(engine=engine, store=store, reflectors=(), sight=sight(a=SEEING, b=b), interval=1.0)

    watcher._see_to_all()

    assert (engine.seen, engine.blind) == (seen, blind), reason
    assert (watcher.is_synced("a"), watcher.is_synced("b")) == (True, b.is_synced), reason
