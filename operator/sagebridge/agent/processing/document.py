"""job.json of a processing job: all that the operator tells the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge.agent.document import WorkDocument

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingDocument(WorkDocument):
    """A processing job.

    Attributes:
        sync_seconds: From one upload of Continuous outputs to the next.
    """

    sync_seconds: float

    @classmethod
    def _own(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        return {"sync_seconds": content["syncSeconds"]}

    @property
    def volume_size(self) -> int | None:
        """See `WorkDocument.volume_size`."""
        size: int | None = self.request["ProcessingResources"]["ClusterConfig"].get("VolumeSizeInGB")
        return size
