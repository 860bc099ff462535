"""What the operator remembers: the newest version of each object, found by UID and by name."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.engine.store import Store, is_older


def body(version: str, *, uid: str = "u", name: str = "x", **status: Any) -> dict[str, Any]:
    return {"metadata": {"uid": uid, "namespace": "n", "name": name, "resourceVersion": version}, "status": status}


@pytest.fixture
def store() -> Store:
    return Store()


def test_what_is_put_is_found(store: Store) -> None:
    memory = store.put("TrainingJob", body("1"))
    assert store.get("u") is memory
    assert store.find(kind="TrainingJob", namespace="n", name="x") is memory
    assert store.find(kind="Endpoint", namespace="n", name="x") is None
    assert list(store) == [memory]


def test_a_newer_version_replaces_an_older_one(store: Store) -> None:
    memory = store.put("TrainingJob", body("9", image="old"))
    assert store.put("TrainingJob", body("10", image="new")) is memory
    assert memory.job.status == {"image": "new"}


def test_an_older_version_that_comes_late_is_left_out(store: Store) -> None:
    memory = store.put("TrainingJob", body("10", image="new"))
    store.put("TrainingJob", body("9", image="old"))
    assert memory.job.status == {"image": "new"}


def test_what_was_observed_survives_new_versions(store: Store) -> None:
    memory = store.put("TrainingJob", body("1"))
    memory.stale_because = "AWS is away"
    store.put("TrainingJob", body("2"))
    assert memory.stale_because == "AWS is away"


def test_an_object_made_again_is_another(store: Store) -> None:
    first = store.put("TrainingJob", body("1", uid="first"))
    second = store.put("TrainingJob", body("2", uid="second"))
    assert store.find(kind="TrainingJob", namespace="n", name="x") is second
    store.remove("first")
    assert store.get("first") is None
    assert first is not second
    assert store.find(kind="TrainingJob", namespace="n", name="x") is second
    assert len(store) == 1


def test_what_is_removed_is_forgotten(store: Store) -> None:
    store.put("TrainingJob", body("1"))
    store.remove("u")
    store.remove("u")
    assert store.find(kind="TrainingJob", namespace="n", name="x") is None
    assert len(store) == 0


def test_it_can_change_while_it_is_gone_through(store: Store) -> None:
    for number in range(3):
        store.put("TrainingJob", body("1", uid=f"u{number}", name=f"x{number}"))
    for memory in store:
        store.remove(memory.job.uid)
    assert len(store) == 0


def test_our_own_write_is_told_from_others(store: Store) -> None:
    memory = store.put("TrainingJob", body("1"))
    assert not memory.is_as_written
    store.put_written("TrainingJob", body("2"))
    assert memory.is_as_written
    store.put("TrainingJob", body("3"))
    assert not memory.is_as_written


def test_our_write_may_be_answered_after_somebody_elses_is_seen(store: Store) -> None:
    memory = store.put("TrainingJob", body("3"))
    store.put_written("TrainingJob", body("2"))
    assert memory.body["metadata"]["resourceVersion"] == "3"
    assert not memory.is_as_written


@pytest.mark.parametrize(
    ("one", "other", "want"),
    [("9", "10", True), ("10", "9", False), ("9", "9", False), ("a", "b", False), ("9", "b", False)],
)
def test_versions_are_compared_as_numbers(one: str, other: str, want: bool) -> None:
    assert is_older(body(one), body(other)) is want
