"""One host of a job, as the agent on it sees it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from sagebridge.agent.document import Document, DocumentError, WorkDocument
from sagebridge.core.container.layout import Layout
from sagebridge.runtime import last_words
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.checkpoints import CheckpointSync
from sagebridge.runtime.s3 import Connection, S3Location, Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge.agent.places import Places
    from sagebridge.core.container.job import ContainerJob
    from sagebridge.runtime.checkpoints import Snapshot

D = TypeVar("D", bound=WorkDocument)

COMPLETION_INDEX: Final = "JOB_COMPLETION_INDEX"
"""Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode"""

_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


def completion_index(environment: Mapping[str, str], *, size: int) -> int:
    """Which of the `size` pods of a job this is.

    Raises:
        DocumentError: nothing says so. Taken for the first, it would do its work again, and leave its own.
    """
    text = environment.get(COMPLETION_INDEX, "")
    if not (text.isascii() and text.isdecimal()) or int(text) >= size:
        raise DocumentError(
            f"{COMPLETION_INDEX} must be a number from 0 to {size - 1}, and is {text!r}: this pod is not one of an "
            "Indexed Job's, or its completion index was taken off"
        )
    return int(text)


@dataclass(frozen=True)
class WorkHost(Generic[D]):
    """A host, its job and its volumes.

    Attributes:
        document: job.json.
        rank: The pod's completion index.
        places: The volumes.
        endpoint_url: Where S3 is, None for AWS's own.
    """

    document: D
    rank: int
    places: Places
    endpoint_url: str | None = None

    @classmethod
    def read(cls, parse: Callable[[str], D], places: Places, environment: Mapping[str, str]) -> Self:
        """Read who this is.

        Args:
            parse: Reads job.json.
            places: The volumes.
            environment: The container's.

        Raises:
            DocumentError: job.json is not what this agent understands, or nothing says which of its hosts this is.
        """
        document = parse(places.job.read_text(encoding="utf-8"))
        return cls(
            document=document,
            rank=completion_index(environment, size=len(document.hosts)),
            places=places,
            endpoint_url=endpoint_url(environment),
        )

    @property
    def name(self) -> str:
        """The host's name."""
        return self.document.hosts[self.rank]

    @property
    def layout(self) -> Layout:
        """Where the contract's paths are for the agent; for the user's container they are at /opt/ml."""
        return Layout(base=str(self.places.ml))

    @functools.cached_property
    def storage(self) -> Storage:
        """S3, with the credentials that boto3 finds in the pod.

        Raises:
            RunFailedError: it finds none.
        """
        connection = Connection(region=self.document.region, endpoint_url=self.endpoint_url)
        return Storage(connection, token=CancelToken())

    def failure(self) -> str:
        """What the user's container has left in its failure file. Blocks."""
        return last_words.read(Path(self.layout.failure))


@dataclass(frozen=True)
class Host(WorkHost[Document]):
    """A host of a training job."""

    @classmethod
    def load(cls, places: Places, environment: Mapping[str, str]) -> Host:
        """Read who this is.

        Raises:
            DocumentError: job.json is not what this agent understands, or nothing says which of its hosts this is.
        """
        return cls.read(Document.parse, places, environment)

    @functools.cached_property
    def job(self) -> ContainerJob:
        """The job as its containers see it."""
        return self.document.container_job()

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return Path(self.layout.model)

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return Path(self.layout.output_data)

    def checkpoints(self, known: Snapshot | None = None) -> CheckpointSync | None:
        """The checkpoints, if the job has any.

        Args:
            known: The files that are in S3 already.
        """
        uri = self.document.checkpoint_uri
        if uri is None:
            return None
        return CheckpointSync(
            storage=self.storage,
            location=S3Location.parse(uri),
            directory=self.places.checkpoints,
            known=known,
        )


def endpoint_url(environment: Mapping[str, str]) -> str | None:
    """Where S3 is by the variables that boto3 knows, None for AWS's own."""
    return next((environment[name] for name in _ENDPOINTS if environment.get(name)), None)
