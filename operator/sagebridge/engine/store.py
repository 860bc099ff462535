"""What the operator remembers of each object. All of it can be lost: a restart reads it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sagebridge.core.deletion import Deletion
from sagebridge.core.job import Job
from sagebridge.core.observation import Observation
from sagebridge.core.pipelines.attendance import Gone
from sagebridge.engine.failures import FailureCounts


@dataclass(kw_only=True, slots=True)
class Memory:
    """One object, from when it is first seen to when it is gone.

    Attributes:
        kind: its kind.
        body: the newest version seen.
        job: `body`, parsed.
        observation: the last look at its last attempt.
        changed_at: when what was observed last happened, until status shows it.
        stale_because: why looking has failed for a while; empty while it works.
        failures: what has failed in a row.
        is_purged: whether all its jobs were deleted in AWS.
        is_settled: whether nothing that has ended for the object can be run again by others.
        tags_again_after: seconds until refused tags are tried again; None unless this pass was refused.
        tags_refused: which tags AWS does not take, and why; empty while it has all.
        models_again_after: the same as `tags_again_after` for what nothing uses any more and AWS refused to delete.
        deletion: what this process has done for its deletion; None before it has begun.
        written_version: the resource version of our own last write.
        gone: the pod of a pipeline's step that should attend it, and was found gone for good.
        left_behind: what was told to be left behind when it is let go.
    """

    kind: str
    body: Mapping[str, Any]
    job: Job
    observation: Observation | None = None
    changed_at: datetime | None = None
    stale_because: str = ""
    failures: FailureCounts = field(default_factory=FailureCounts)
    is_purged: bool = False
    is_settled: bool = False
    tags_again_after: float | None = None
    tags_refused: str = ""
    models_again_after: float | None = None
    deletion: Deletion | None = None
    written_version: str = ""
    gone: Gone | None = None
    left_behind: set[str] = field(default_factory=set)

    @property
    def is_as_written(self) -> bool:
        """Whether nobody has changed the object since our own last write."""
        return bool(self.body["metadata"].get("resourceVersion") == self.written_version)

    @property
    def is_seen_open(self) -> bool:
        """Whether the job was found under way; status may not know of it, where its creation was interrupted."""
        return self.observation is not None and not self.observation.phase.is_terminal


class Store:
    """Objects by UID, and UIDs by kind, namespace and name."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        self._uids: dict[tuple[str, str, str], str] = {}

    def __iter__(self) -> Iterator[Memory]:
        return iter(tuple(self._memories.values()))

    def __len__(self) -> int:
        return len(self._memories)

    def get(self, uid: str) -> Memory | None:
        """What is remembered of the object with this UID."""
        return self._memories.get(uid)

    def find(self, *, kind: str, namespace: str, name: str) -> Memory | None:
        """The object that now has this name."""
        uid = self._uids.get((kind, namespace, name))
        return self._memories.get(uid) if uid else None

    def put(self, kind: str, body: Mapping[str, Any]) -> Memory:
        """Remember `body` unless a newer version of it is known."""
        metadata = body["metadata"]
        memory = self._memories.get(metadata["uid"])
        if memory is None:
            memory = Memory(kind=kind, body=body, job=Job.parse(body))
            self._memories[metadata["uid"]] = memory
            self._uids[(kind, metadata["namespace"], metadata["name"])] = metadata["uid"]
        elif not is_older(body, memory.body):
            memory.body = body
            memory.job = Job.parse(body)
        return memory

    def put_written(self, kind: str, body: Mapping[str, Any]) -> Memory:
        """Remember `body`, the answer to a write of our own."""
        memory = self.put(kind, body)
        memory.written_version = body["metadata"]["resourceVersion"]
        return memory

    def remove(self, uid: str) -> None:
        """Forget the object."""
        memory = self._memories.pop(uid, None)
        if memory is None:
            return
        key = (memory.kind, memory.job.namespace, memory.job.name)
        if self._uids.get(key) == uid:
            del self._uids[key]


def is_older(body: Mapping[str, Any], than: Mapping[str, Any]) -> bool:
    """Whether one version of an object comes before another.

    Resource versions are integers to be compared, by KEP-5504; where a server's are not, the last one seen counts.
    Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
    """
    try:
        return int(body["metadata"]["resourceVersion"]) < int(than["metadata"]["resourceVersion"])
    except (KeyError, ValueError):
        return False
