"""The Lease, at the real API server, by a clock of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import kopf
import kubernetes
import pytest
from sagebridge.kube.client import KubeClient
from sagebridge.kube.lease import LeaderLease, LeadershipLostError, LeaseSettings
from sagebridge.kube.login import log_in
from sagebridge_local.stack import ControlPlane

DURATION = 15.0


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def client(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KubeClient]:
    monkeypatch.setenv("KUBECONFIG", str(control_plane.kubeconfig))
    made = KubeClient(login=partial(log_in, settings=kopf.OperatorSettings()))
    yield made
    await made.close()


@pytest.fixture
def replica(client: KubeClient, namespace: str, clock: Clock) -> Callable[..., LeaderLease]:
    """One of those who want the same Lease."""

    def make(identity: str) -> LeaderLease:
        settings = LeaseSettings(namespace=namespace, name="sagebridge", identity=identity, duration=DURATION)
        return LeaderLease(client=client, settings=settings, clock=clock)

    return make


@pytest.fixture
def stored(kube: kubernetes.client.ApiClient, namespace: str) -> Callable[[], Any]:
    api = kubernetes.client.CoordinationV1Api(kube)
    return lambda: api.read_namespaced_lease("sagebridge", namespace).spec


async def test_the_first_takes_it(replica: Callable[..., LeaderLease], stored: Callable[[], Any]) -> None:
    first = replica("first")
    assert not first.is_held
    await first.acquire()
    assert first.is_held
    assert (stored().holder_identity, stored().lease_duration_seconds) == ("first", 15)


async def test_it_is_given_up_a_second_before_another_may_take_it(
    replica: Callable[..., LeaderLease], clock: Clock
) -> None:
    first = replica("first")
    await first.acquire()
    clock.now += DURATION - 1.1
    assert first.is_held
    clock.now += 0.2
    assert not first.is_held


async def test_the_second_waits_until_it_has_not_changed_for_its_duration(
    replica: Callable[..., LeaderLease], clock: Clock, stored: Callable[[], Any]
) -> None:
    first, second = replica("first"), replica("second")
    await first.acquire()
    for pause in (0.0, DURATION - 1):
        clock.now += pause
        assert not await second._try()
    clock.now += 2
    assert not first.is_held
    assert await second._try()
    assert (stored().holder_identity, stored().lease_transitions) == ("second", 2)


async def test_a_renewal_starts_the_wait_anew(replica: Callable[..., LeaderLease], clock: Clock) -> None:
    first, second = replica("first"), replica("second")
    await first.acquire()
    assert not await second._try()
    clock.now += DURATION - 2
    assert await first._try()
    clock.now += 4
    assert not await second._try()
    assert first.is_held


async def test_what_is_released_is_taken_at_once(
    replica: Callable[..., LeaderLease], stored: Callable[[], Any]
) -> None:
    first, second = replica("first"), replica("second")
    await first.acquire()
    assert not await second._try()
    await first.release()
    assert not first.is_held
    assert not stored().holder_identity
    assert await second._try()
    await first.release()
    assert stored().holder_identity == "second"


async def test_the_same_identity_takes_its_lease_back(
    replica: Callable[..., LeaderLease], stored: Callable[[], Any]
) -> None:
    """A pod keeps its name when its container starts again."""
    await replica("first").acquire()
    acquired = stored().acquire_time
    again = replica("first")
    assert await again._try()
    assert (stored().acquire_time, stored().lease_transitions) == (acquired, 1)


async def test_who_was_overtaken_ends(
    replica: Callable[..., LeaderLease], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = replica("first"), replica("second")
    await first.acquire()
    await second._try()
    clock.now += DURATION + 1
    assert await second._try()

    async def at_once(_: float) -> None:
        """Let no time pass."""

    monkeypatch.setattr("sagebridge.kube.lease.asyncio.sleep", at_once)
    with pytest.raises(LeadershipLostError):
        await first.renew()
    assert second.is_held


async def test_a_lease_that_somebody_has_emptied_is_taken(
    replica: Callable[..., LeaderLease], kube: kubernetes.client.ApiClient, namespace: str
) -> None:
    api = kubernetes.client.CoordinationV1Api(kube)
    api.create_namespaced_lease(namespace, {"metadata": {"name": "sagebridge"}})
    assert await replica("first")._try()
