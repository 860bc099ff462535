"""job.json: all that the operator tells the agent."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from sagebridge.core.container.job import ContainerJob, Machine, container_job, ranked_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VERSION: Final = 1
Parsed = TypeVar("Parsed")
_DEFAULT_MAX_RUNTIME_SECONDS: Final = 86_400


class DocumentError(Exception):
    """A document of the operator's is not what this agent understands."""


def parsed(
    text: str, of: Callable[[Mapping[str, Any]], Parsed], *, file: str = "job.json", version: int = VERSION
) -> Parsed:
    """Read what the operator has written.

    Args:
        text: JSON.
        of: makes the document of it.
        file: its name, for people.
        version: what `of` knows.

    Raises:
        DocumentError: it is of another version, or no such document.
    """
    try:
        content = json.loads(text)
        if content["version"] != version:
            raise DocumentError(f"{file} has the version {content['version']}, this agent knows {version}")
        return of(content)
    except (ValueError, TypeError, KeyError) as error:
        raise DocumentError(f"{file} can't be read: {type(error).__name__}: {error}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkDocument(ABC):
    """A job whose hosts each have an agent beside the user's container, and how it is run.

    Attributes:
        request: Of its Create call, PascalCase, complete and valid.
        arn: The job's ARN.
        region: The job's region.
        hosts: The names of all hosts, by rank.
        service_account: Whom the pod acts as, for messages; empty if the operator is too old to say it.
        stop_grace_seconds: From SIGTERM to SIGKILL.
        upload_seconds: How long an upload is tried again, and how long another host, or the operator, may be silent.
    """

    request: Mapping[str, Any]
    arn: str
    region: str
    hosts: tuple[str, ...]
    service_account: str
    stop_grace_seconds: float
    upload_seconds: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read job.json.

        Raises:
            DocumentError: it is of another version, or no such document.
        """
        return parsed(text, cls._of)

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> Self:
        return cls(
            request=content["request"],
            arn=content["arn"],
            region=content["region"],
            hosts=tuple(content["hosts"]),
            service_account=content.get("serviceAccount", ""),
            stop_grace_seconds=content["stopGraceSeconds"],
            upload_seconds=content["uploadSeconds"],
            **cls._own(content),
        )

    @classmethod
    @abstractmethod
    def _own(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        """What a document of this kind has beside."""

    @property
    @abstractmethod
    def volume_size(self) -> int | None:
        """Of the job's volume in GB; None where the request does not say."""

    @property
    def acts_as(self) -> str:
        """Whom the pod acts as, in words."""
        return f'pod\'s service account "{self.service_account}"' if self.service_account else "pod's service account"

    @property
    def max_runtime_seconds(self) -> float:
        """StoppingCondition.MaxRuntimeInSeconds, or SageMaker's default.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html
        """
        condition = self.request.get("StoppingCondition", {})
        return float(condition.get("MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME_SECONDS))


@dataclass(frozen=True, kw_only=True, slots=True)
class Document(WorkDocument):
    """A training job.

    Attributes:
        instance_type: What the hosts count as.
        machine: What a host offers to the script.
        network_interface: Over which the hosts talk to each other.
        script: Whether the agent brings the script and its launcher (`launch` is `script`).
        mounted: The channels that are volumes.
        checkpoint_sync_seconds: From one upload of changed checkpoints to the next.
    """

    instance_type: str
    machine: Machine
    network_interface: str
    script: bool
    mounted: frozenset[str]
    checkpoint_sync_seconds: float

    @classmethod
    def _own(cls, content: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "instance_type": content["instanceType"],
            "machine": Machine(**content["machine"]),
            "network_interface": content["networkInterface"],
            "script": content["launch"] == "script",
            "mounted": frozenset(content["mounted"]),
            "checkpoint_sync_seconds": content["checkpointSyncSeconds"],
        }

    def container_job(self) -> ContainerJob:
        """The job as its containers see it."""
        cluster = ranked_cluster(self.hosts, instance_type=self.instance_type, network_interface=self.network_interface)
        return container_job(self.request, arn=self.arn, region=self.region, cluster=cluster)

    @property
    def volume_size(self) -> int | None:
        """See `WorkDocument.volume_size`."""
        size: int | None = self.request.get("ResourceConfig", {}).get("VolumeSizeInGB")
        return size

    @property
    def checkpoint_uri(self) -> str | None:
        """CheckpointConfig.S3Uri."""
        uri: str | None = self.request.get("CheckpointConfig", {}).get("S3Uri")
        return uri
