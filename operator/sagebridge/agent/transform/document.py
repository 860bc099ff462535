"""job.json of a batch transform: all that the operator tells the agent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.agent.document import parsed
from sagebridge.core.clock import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VERSION: Final = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformDocument:
    """A transform job, and how it is run.

    Attributes:
        request: CreateTransformJob, PascalCase, complete and valid.
        region: The job's region.
        startup_seconds: How long the model server may take until /ping answers 200.
        upload_seconds: How long S3 may be away.
        listed_before: What was written below the inputs' prefix later is none of the job's; None for all there is.
    """

    request: Mapping[str, Any]
    region: str
    startup_seconds: float
    upload_seconds: float
    listed_before: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> TransformDocument:
        """Read job.json.

        Raises:
            DocumentError: it is of another version, or no such document.
        """
        return parsed(text, cls._of, version=VERSION)

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> TransformDocument:
        return cls(
            request=content["request"],
            region=content["region"],
            startup_seconds=content["startupSeconds"],
            upload_seconds=content["uploadSeconds"],
            listed_before=parse_time(content["listedBefore"]) if content["listedBefore"] else None,
        )

    @property
    def name(self) -> str:
        """TransformJobName."""
        return str(self.request["TransformJobName"])

    @property
    def count(self) -> int:
        """How many pods share the objects."""
        return int(self.request["TransformResources"]["InstanceCount"])
