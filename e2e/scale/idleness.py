"""Whether a node stays idle that a waiting pod would fit on, for longer than the scheduler needs to find it.

How long that is is counted in rounds: one is over when the scheduler knows of every waiting pod and of all room, and
has tried as often as pods were waiting at its beginning or has nothing left to try. A pod that could not be placed is
left alone for a while, at most podMaxBackoffSeconds, whatever is tried meanwhile.

Source: https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/#kubescheduler-config-k8s-io-v1-KubeSchedulerConfiguration
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scale.ledger import Ledger

_ROUNDS = 3
_BACKOFF_SECONDS = 10.0

Pair = tuple[str, str]
"""A node, and a sort of which a pod waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheduler:
    """What it says of itself.

    Attributes:
        attempts: how often it has tried to place a pod.
        queued: pods that it is about to try.
        known: pods without a node that it knows of, those that it could not place among them.
        held: pods that hold a node as far as it knows, a second ago.
    """

    attempts: int
    queued: int
    known: int
    held: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Since:
    round: int
    seconds: float


class Idleness:
    """Compares one look with the next.

    Attributes:
        rounds: how many are over.
        looks: how many looks found pods waiting.
    """

    def __init__(self) -> None:
        self.rounds = 0
        self.looks = 0
        self._began = Scheduler(attempts=0, queued=0, known=0)
        self._waiting = 0
        self._held = 0
        self._seen: dict[Pair, _Since] = {}

    def look(self, ledger: Ledger, scheduler: Scheduler, *, seconds: float) -> list[Pair]:
        """The nodes that have been idle for too long, each with the sort that would fit.

        Args:
            ledger: how things are.
            scheduler: how far it is.
            seconds: now, by any clock.
        """
        has_tried = scheduler.queued == 0 or scheduler.attempts - self._began.attempts >= self._waiting
        has_heard = scheduler.known >= ledger.waiting_count and scheduler.held <= max(self._held, ledger.held_count)
        self._held = ledger.held_count
        if has_tried and has_heard:
            self.rounds += 1
            self._began, self._waiting = scheduler, max(1, ledger.waiting_count)
        self.looks += ledger.waiting_count > 0
        now = _Since(round=self.rounds, seconds=seconds)
        self._seen = {pair: self._seen.get(pair, now) for pair in idle(ledger)}
        return [pair for pair, since in self._seen.items() if self._is_long(since, now)]

    @staticmethod
    def _is_long(since: _Since, now: _Since) -> bool:
        # The round in which it was first seen counts for nothing, since it had begun before.
        return now.round - since.round > _ROUNDS and now.seconds - since.seconds > _BACKOFF_SECONDS


def idle(ledger: Ledger) -> Iterator[Pair]:
    """Each node with room for a pod that waits, with the pod's sort."""
    for sort, pods in ledger.waiting():
        if sort.name not in ledger.requests:
            continue
        for node in ledger.nodes.values():
            if sort.allows(node) and ledger.has_room(node, sort) and any(ledger.would_do(node, pod) for pod in pods):
                yield node.name, sort.name
