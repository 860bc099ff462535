"""What watches the scheduler must see what is wrong, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scale import requests
from scale.fleet import Node, fleet
from scale.idleness import Idleness, Scheduler
from scale.ledger import Ledger
from scale.workload import Job, workload

_DIGEST = "abcdefghij"
NODES = fleet()
JOBS = workload()


def job_of(sort: str) -> Job:
    return next(job for job in JOBS if job.sort.name == sort and job.size > 1)


def pod_of(job: Job, rank: int) -> str:
    return f"scale-{job.name}-{_DIGEST}-{rank}-x7k2p"


def nodes_of(prefix: str) -> list[Node]:
    return [node for node in NODES if node.name.startswith(prefix)]


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger(NODES, JOBS)
    made.requests = {job.sort.name: {"cpu": 1000, "memory": 1024, "pods": 1, **job.sort.devices} for job in JOBS}
    return made


def put(ledger: Ledger, job: Job, *nodes: str, status: str = "Pending") -> None:
    for rank, node in enumerate(nodes):
        ledger.take("MODIFIED", name=pod_of(job, rank), status=status, node=node)


@pytest.mark.parametrize(
    ("sort", "nodes", "because"),
    [
        ("p5", ["g5-12xlarge-managed-od-000"], "another type"),
        ("p5", ["p5-48xlarge-broken-od-off-000"], "HyperPod waits for its replacement"),
        ("g5-one", ["g5-12xlarge-shared-od-off-000"], "its GPUs are shared"),
        ("g6-spot", ["g6-12xlarge-karpenter-od-000"], "not on spot, which is required"),
        ("g5-or-g6", ["g6-12xlarge-managed-spot-000"], "on spot, which was not asked for"),
        ("m5", ["g4dn-12xlarge-managed-od-000"], "asks for no GPU"),
        ("mig", ["p4d-24xlarge-karpenter-od-000"], "its GPUs are not divided"),
        ("p5", ["p5-48xlarge-managed-od-000"] * 2, "two on one node"),
        ("p4d-zone", ["p4d-24xlarge-karpenter-od-000", "p4d-24xlarge-karpenter-od-001"], "two zones"),
        ("g4dn-half", ["g4dn-12xlarge-managed-od-000"] * 3, "six GPUs of four"),
    ],
)
def test_a_wrong_place_is_seen(ledger: Ledger, sort: str, nodes: list[str], because: str) -> None:
    put(ledger, job_of(sort), *nodes)

    assert ledger.wrong, because


@pytest.mark.parametrize(
    ("sort", "nodes"),
    [
        ("p5", ["p5-48xlarge-managed-od-000", "p5-48xlarge-hyperpod-od-000"]),
        ("g5-one", ["g5-12xlarge-auto-od-000"] * 4),
        ("g5-spot", ["g5-xlarge-karpenter-spot-000", "g5-xlarge-auto-od-000"]),
        ("p4d-zone", ["p4d-24xlarge-karpenter-od-000", "p4d-24xlarge-hyperpod-od-000"]),
        ("g4dn-half", ["g4dn-12xlarge-managed-od-000"] * 2),
    ],
)
def test_a_right_place_is_no_matter(ledger: Ledger, sort: str, nodes: list[str]) -> None:
    put(ledger, job_of(sort), *nodes)

    assert not ledger.wrong


@pytest.mark.parametrize("status", ["Completed", "Error", "Init:Error", "Failed"])
def test_what_has_ended_makes_room(ledger: Ledger, status: str) -> None:
    job = job_of("p5")
    put(ledger, job, "p5-48xlarge-managed-od-000")
    put(ledger, job, "p5-48xlarge-managed-od-000", status=status)
    ledger.take("MODIFIED", name=pod_of(job, 1), status="Pending", node="p5-48xlarge-managed-od-000")

    assert not ledger.wrong
    assert ledger.placed == 2


@pytest.mark.parametrize(
    ("status", "count", "because"),
    [
        ("Running", 1, "two pods of a rank at once"),
        ("Error", 1, "a rank that failed is not tried again"),
        ("Completed", 0, "a busy Job controller may forget for a moment that a rank has succeeded"),
    ],
)
def test_a_second_pod_of_a_rank_is_seen(ledger: Ledger, status: str, count: int, because: str) -> None:
    job = job_of("p5")
    put(ledger, job, "p5-48xlarge-managed-od-000", "p5-48xlarge-managed-od-001", status=status)
    ledger.take("ADDED", name=pod_of(job, 1).replace("x7k2p", "again"), status="Pending", node="<none>")
    ledger.take("MODIFIED", name=pod_of(job, 1), status=status, node="p5-48xlarge-managed-od-001")

    assert len(ledger.surplus) == count, because


def rounds(*, queued: int) -> Iterator[tuple[Scheduler, float]]:
    """The scheduler tries a hundred pods between two looks, which are four seconds apart."""
    for index in range(20):
        yield Scheduler(attempts=100 * index, queued=queued, known=5), 4.0 * index


def test_a_node_that_stays_idle_is_seen(ledger: Ledger) -> None:
    put(ledger, job_of("trn1"), "<none>")
    idleness = Idleness()

    found = [pair for scheduler, at in rounds(queued=0) for pair in idleness.look(ledger, scheduler, seconds=at)]

    assert {sort for _, sort in found} == {"trn1"}
    assert {node for node, _ in found} == {node.name for node in nodes_of("trn1")}


def test_a_scheduler_that_has_not_come_to_it_yet_is_given_time(ledger: Ledger) -> None:
    put(ledger, job_of("trn1"), "<none>")
    idleness, tired = Idleness(), Scheduler(attempts=0, queued=500, known=500)

    assert not [pair for at in range(100) for pair in idleness.look(ledger, tired, seconds=float(at))]


def test_a_scheduler_that_has_not_heard_of_the_pod_is_given_time(ledger: Ledger) -> None:
    put(ledger, job_of("trn1"), "<none>")
    idleness, late = Idleness(), Scheduler(attempts=0, queued=0, known=0)

    assert not [pair for at in range(100) for pair in idleness.look(ledger, late, seconds=float(at))]


def test_a_scheduler_that_has_not_heard_of_the_room_is_given_time(ledger: Ledger) -> None:
    put(ledger, job_of("trn1"), "<none>")
    idleness, late = Idleness(), Scheduler(attempts=0, queued=0, known=1, held=1)

    assert not [pair for at in range(100) for pair in idleness.look(ledger, late, seconds=float(at))]


def test_a_scheduler_that_has_just_heard_of_the_room_is_given_no_more(ledger: Ledger) -> None:
    job, idleness = job_of("trn1"), Idleness()
    put(ledger, job, "trn1-32xlarge-managed-od-000", "<none>")
    ledger.nodes = {"trn1-32xlarge-managed-od-000": ledger.nodes["trn1-32xlarge-managed-od-000"]}
    aware = Scheduler(attempts=0, queued=0, known=1, held=1)
    assert not idleness.look(ledger, aware, seconds=0.0)

    ledger.take("MODIFIED", name=pod_of(job, 0), status="Completed", node="trn1-32xlarge-managed-od-000")
    free = Scheduler(attempts=0, queued=0, known=1, held=0)
    assert [pair for at in range(1, 30) for pair in idleness.look(ledger, free, seconds=float(at))]


def test_a_node_that_is_taken_in_time_was_not_idle(ledger: Ledger) -> None:
    job, idleness, node = job_of("trn1"), Idleness(), "trn1-32xlarge-managed-od-000"
    for rank, (scheduler, at) in enumerate(rounds(queued=0)):
        ledger.take("ADDED", name=pod_of(job, rank), status="Pending", node="<none>")
        assert not idleness.look(ledger, scheduler, seconds=at)
        ledger.take("MODIFIED", name=pod_of(job, rank), status="Pending", node=node)
        assert not idleness.look(ledger, scheduler, seconds=at + 1)
        ledger.take("MODIFIED", name=pod_of(job, rank), status="Completed", node=node)


def test_full_nodes_are_not_idle(ledger: Ledger) -> None:
    whole, idleness = job_of("trn1"), Idleness()
    ledger.nodes = {node.name: node for node in nodes_of("trn1")[:1]}
    put(ledger, whole, *ledger.nodes, "<none>")

    assert not [pair for scheduler, at in rounds(queued=0) for pair in idleness.look(ledger, scheduler, seconds=at)]


@pytest.mark.parametrize(
    ("name", "quantity", "wanted"),
    [("cpu", "500m", 500), ("cpu", "2", 2000), ("memory", "1Gi", 1024), ("memory", "1", 1), ("nvidia.com/gpu", "8", 8)],
)
def test_quantities(name: str, quantity: str, wanted: int) -> None:
    assert requests.amount(name, quantity) == wanted


def test_a_pod_asks_for_the_most_that_runs_at_once() -> None:
    def container(cpu: str, memory: str) -> dict[str, object]:
        return {"resources": {"requests": {"cpu": cpu, "memory": memory}}}

    spec = {"initContainers": [container("4", "1Gi")], "containers": [container("3", "2Gi"), container("100m", "1Gi")]}

    assert requests.of_pod(spec) == {"cpu": 4000, "memory": 3072, "pods": 1}
