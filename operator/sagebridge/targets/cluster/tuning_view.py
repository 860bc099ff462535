"""Tuning jobs on the cluster as they were last seen: their records, and the TrainingJobs that are their trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID, labels_of
from sagebridge.core.conditions import Verdict
from sagebridge.targets.cluster.view import Changed

Body = Mapping[str, Any]
Key = tuple[str, int]
"""The UID of an HPTuningJob, and the number of an attempt."""


class TuningView:
    """Attempts at tuning jobs.

    Attributes:
        changed: told of each change.
        records: the ConfigMaps that were read or written by this process, which alone changes them.
        listed: whose trials were listed by this process, so that none is missing.
        troubles: what keeps trials from being made.
    """

    def __init__(self) -> None:
        self._trials: dict[Key, dict[str, Body]] = {}
        self.changed: Changed = lambda _uid, _attempt: None
        self.records: dict[Key, Body] = {}
        self.listed: set[Key] = set()
        self.troubles: dict[Key, Verdict] = {}

    def trials(self, key: Key) -> Sequence[Body]:
        """The trials of one attempt, in no order."""
        return tuple(self._trials.get(key, {}).values())

    def put(self, body: Body) -> None:
        """A trial is there, or has changed."""
        self._trials.setdefault(_key(body), {})[body["metadata"]["uid"]] = body
        self.changed(*_key(body))

    def add(self, body: Body) -> None:
        """A trial was made, or found; what is known of it already is newer."""
        self._trials.setdefault(_key(body), {}).setdefault(body["metadata"]["uid"], body)
        self.changed(*_key(body))

    def remove(self, body: Body) -> None:
        """A trial is gone."""
        key = _key(body)
        found = self._trials.get(key, {})
        found.pop(body["metadata"]["uid"], None)
        if not found:
            self.forget(key)
        self.changed(*key)

    def forget(self, key: Key) -> None:
        """Nothing is left of an attempt, or nobody asks for it any more."""
        self._trials.pop(key, None)
        self.records.pop(key, None)
        self.troubles.pop(key, None)
        self.listed.discard(key)


def _key(body: Body) -> Key:
    labels = labels_of(body)
    number = labels.get(LABEL_ATTEMPT, "")
    return labels.get(LABEL_UID, ""), int(number) if number.isdigit() else 0
