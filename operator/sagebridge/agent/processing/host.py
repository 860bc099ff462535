"""One host of a processing job, as the agent on it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagebridge.agent.host import WorkHost
from sagebridge.agent.processing.document import ProcessingDocument
from sagebridge.runtime import processing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.agent.places import Places
    from sagebridge.runtime.processing import Output


@dataclass(frozen=True)
class ProcessingHost(WorkHost[ProcessingDocument]):
    """A host of a processing job."""

    @classmethod
    def load(cls, places: Places, environment: Mapping[str, str]) -> ProcessingHost:
        """Read who this is.

        Raises:
            DocumentError: job.json is not what this agent understands, or nothing says which of its hosts this is.
        """
        return cls.read(ProcessingDocument.parse, places, environment)

    def outputs(self) -> list[Output]:
        """What it is to take to S3.

        Raises:
            RunFailedError: boto3 finds no credentials.
        """
        return processing.outputs(self.document.request, layout=self.layout, storage=self.storage)
