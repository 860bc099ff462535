"""What is where, pod by pod as the API server tells it, and what is wrong with that."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scale.fleet import Node
from scale.machines import EFA, HUGEPAGES
from scale.workload import NAMESPACE, Job, Sort

# The Job of a TrainingJob has namespace and name in its own name, then a digest; its pods add rank and a random part.
_POD = re.compile(rf"(?P<run>{NAMESPACE}-(?P<job>.+)-[a-z2-7]{{10}})-(?P<rank>\d+)-[a-z0-9]{{5}}")
_ENDED = frozenset({"Succeeded", "Completed", "Failed", "Error", "Init:Error"})
_SUCCEEDED = frozenset({"Succeeded", "Completed"})
_NOWHERE = frozenset({"", "<none>"})
_ANYWHERE = frozenset({"cpu", "memory", "pods", HUGEPAGES, EFA})

Requests = Mapping[str, int]


@dataclass(kw_only=True, slots=True)
class Pod:
    """One pod, as it was last seen; without a node it waits, and what has ended holds nothing."""

    name: str
    run: str
    job: Job
    rank: int
    node: str = ""
    has_ended: bool = False
    has_succeeded: bool = False
    held_on: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it has no node yet."""
        return not self.node and not self.has_ended

    @property
    def holds(self) -> bool:
        """Whether it takes room on its node."""
        return bool(self.node) and not self.has_ended


class Ledger:
    """Follows pods, and notes every placement that should not be.

    Attributes:
        wrong: what is wrong, in words.
        surplus: pods of a rank that had one before which has not succeeded, in words.
        placed: how many pods have got a node.
        requests: what a pod of each sort asks for in all, as its Job has it.
    """

    def __init__(self, nodes: Sequence[Node], jobs: Sequence[Job]) -> None:
        self.nodes = {node.name: node for node in nodes}
        self.wrong: list[str] = []
        self.surplus: list[str] = []
        self.placed = 0
        self.requests: dict[str, Requests] = {}
        self.pods: dict[str, Pod] = {}
        self._jobs = {job.name: job for job in jobs}
        self._of_rank: defaultdict[tuple[str, int], list[Pod]] = defaultdict(list)
        self._used: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._holding: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        self._waiting: defaultdict[str, dict[str, Pod]] = defaultdict(dict)
        self._of_job: defaultdict[str, dict[str, Pod]] = defaultdict(dict)

    def job_of(self, name: str) -> tuple[str, Job]:
        """The Kubernetes Job that a pod's name tells, and whose it is."""
        pod = self._named(name)
        return pod.run, pod.job

    def take(self, kind: str, *, name: str, status: str, node: str) -> None:
        """A pod is there, has changed, or is gone.

        Args:
            kind: ADDED, MODIFIED or DELETED.
            name: the pod's.
            status: as ``kubectl get pods`` shows it.
            node: likewise.
        """
        pod = self.pods.get(name)
        if pod is None:
            pod = self.pods[name] = self._named(name)
            self._note_rank(pod)
        held, was_placed = pod.holds, bool(pod.node)
        pod.node = pod.node if node in _NOWHERE else node
        pod.has_ended = has_ended(kind, status)
        pod.has_succeeded = pod.has_succeeded or status in _SUCCEEDED
        self._note_waiting(pod)
        if pod.node and not was_placed:
            self.placed += 1
            self._check_place(pod)
        if pod.holds and not held:
            self._occupy(pod)
        elif held and not pod.holds:
            self._leave(pod)

    def waiting(self) -> Iterator[tuple[Sort, list[Pod]]]:
        """Each sort with its pods that wait for a node."""
        for pods in self._waiting.values():
            found = list(pods.values())
            if found:
                yield found[0].job.sort, found

    @property
    def waiting_count(self) -> int:
        """How many pods wait for a node."""
        return sum(len(pods) for pods in self._waiting.values())

    @property
    def held_count(self) -> int:
        """How many pods take room on nodes."""
        return sum(len(pods) for pods in self._holding.values())

    def has_room(self, node: Node, sort: Sort) -> bool:
        """Whether what a node has left is enough for a pod of a sort."""
        free, used = node.machine.free(), self._used[node.name]
        return all(free.get(name, 0) - used[name] >= amount for name, amount in self.requests[sort.name].items())

    def would_do(self, node: Node, pod: Pod) -> bool:
        """Whether a node with room would do for this very pod, beside its job's other pods."""
        sort = pod.job.sort
        others = self._of_job[pod.run].values()
        if sort.one_a_node and any(other.node == node.name for other in others):
            return False
        return not sort.one_zone or all(self.nodes[other.node].zone == node.zone for other in others)

    def _named(self, name: str) -> Pod:
        found = _POD.fullmatch(name)
        assert found is not None, f"{name} is no pod of ours"
        return Pod(name=name, run=found["run"], job=self._jobs[found["job"]], rank=int(found["rank"]))

    def _note_rank(self, pod: Pod) -> None:
        """On a busy cluster the Job controller may run again what has succeeded, until it hears of its own count.

        Source: https://github.com/kubernetes/kubernetes/issues/130103
        """
        before = self._of_rank[pod.run, pod.rank]
        if before and not any(other.has_succeeded for other in before):
            self.surplus.append(f"{pod.name} is of a rank that has {[other.name for other in before]}")
        before.append(pod)

    def _note_waiting(self, pod: Pod) -> None:
        group = self._waiting[pod.job.sort.name]
        if pod.is_waiting:
            group[pod.name] = pod
        else:
            group.pop(pod.name, None)

    def _check_place(self, pod: Pod) -> None:
        node, sort = self.nodes[pod.node], pod.job.sort
        if not sort.allows(node):
            self.wrong.append(f"{pod.name} is on {node.name}")
        missing = [name for name in sort.devices if name not in node.machine.devices and name != HUGEPAGES]
        if missing:
            self.wrong.append(f"{pod.name} wants {missing}, and {node.name} has none")
        unasked = set(node.machine.devices) - _ANYWHERE
        if unasked and not unasked & set(sort.devices):
            self.wrong.append(f"{pod.name} asks for no device, and is on {node.name}")

    def _occupy(self, pod: Pod) -> None:
        node, sort = self.nodes[pod.node], pod.job.sort
        if not self.would_do(node, pod):
            self.wrong.append(f"{pod.name} is on {node.name}, which its job's other pods exclude")
        if sort.one_a_node and self._holding[node.name]:
            self.wrong.append(f"{pod.name} shares {node.name} with {list(self._holding[node.name])}")
        self._of_job[pod.run][pod.name] = pod
        self._holding[node.name][pod.name] = pod
        pod.held_on = node.name
        self._used[node.name].update(self.requests[sort.name])
        free = node.machine.free()
        over = [name for name, used in self._used[node.name].items() if used > free.get(name, 0)]
        if over:
            self.wrong.append(f"{node.name} has not enough {over} for {pod.name}")

    def _leave(self, pod: Pod) -> None:
        self._holding[pod.held_on].pop(pod.name)
        self._used[pod.held_on].subtract(self.requests[pod.job.sort.name])
        self._of_job[pod.run].pop(pod.name, None)


def has_ended(kind: str, status: str) -> bool:
    """Whether a pod holds nothing any more."""
    return kind == "DELETED" or status in _ENDED
