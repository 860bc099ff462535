"""Pods that are killed at random moments."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter

from support.kfp_runner import Pod

_LONGEST_SECONDS = 3.0


class Killer:
    """Kills pods, until it has killed so many.

    Args:
        kills: how many in all.
        of_a_task: how many of one task at most.
        chance: when.
    """

    def __init__(self, *, kills: int, of_a_task: int, chance: random.Random) -> None:
        self._kills = kills
        self._of_a_task = of_a_task
        self._chance = chance
        self._lock = threading.Lock()
        self.killed: Counter[str] = Counter()

    def watch(self, pod: Pod) -> None:
        """Let a pod live for a moment, in the thread of its task."""
        with self._lock:
            seconds = self._chance.uniform(0.0, _LONGEST_SECONDS)
        if pod.ends_within(seconds):
            return
        with self._lock:
            if self.killed.total() < self._kills and self.killed[pod.task] < self._of_a_task:
                self.killed[pod.task] += 1
                pod.signal(signal.SIGKILL)
