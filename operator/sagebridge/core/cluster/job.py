"""One attempt at a job, as its manifests are made from it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.cluster.engines import JOB_SET_GROUP, Engine, member_name
from sagebridge.core.cluster.fast_file import FastFile
from sagebridge.core.cluster.gangs import GangApi, GangScheduling
from sagebridge.core.cluster.names import host_names, job_set_name, kubernetes_name, labels
from sagebridge.core.cluster.request import Launch
from sagebridge.core.names import Owner
from sagebridge.core.placement import AGENT, Placement
from sagebridge.core.placement.quantity import cores, mebibytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterSettings:
    """What the operator says of all its pods.

    Attributes:
        agent_image: the operator's own image, which has the agent.
        agent_pull_policy: when it is pulled.
        domain: the cluster's DNS domain.
        environment: variables of every container: proxies, endpoints.
        ttl_seconds: how long Kubernetes keeps what has finished.
        stop_grace_seconds: between SIGTERM and SIGKILL:
            https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
        checkpoint_sync_seconds: between two looks at the checkpoints.
        upload_seconds: how long the agent tries to upload results.
        gang_scheduling: who schedules the hosts of a job together that has no queue.
        gang_scheduler_name: their scheduler's name, where it is not the usual one.
        pod_start_seconds: how long a pod that serves may wait for its node and its images.
    """

    agent_image: str
    agent_pull_policy: str = "IfNotPresent"
    domain: str = "cluster.local"
    environment: Mapping[str, str] = field(default_factory=dict)
    ttl_seconds: int = 86_400
    stop_grace_seconds: int = 120
    checkpoint_sync_seconds: int = 30
    upload_seconds: int = 900
    gang_scheduling: GangScheduling = GangScheduling.NONE
    gang_scheduler_name: str = ""
    pod_start_seconds: int = 600

    @property
    def agent_resources(self) -> dict[str, Any]:
        """What the agent asks for beside the user's container, which is what the placement leaves to it."""
        requests = {"cpu": cores(AGENT.millicores), "memory": mebibytes(AGENT.mebibytes)}
        return {"requests": requests, "limits": {"memory": "1Gi"}}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterWork:
    """All that the manifests of one attempt depend on, whatever its kind.

    Attributes:
        owner: the object it belongs to.
        attempt: which attempt of the object it is.
        kind: the object's kind.
        job_name: its name, as SageMaker would know it.
        region: of AWS, for the agent's calls to S3 and the container's AWS_REGION.
        request: the request of the kind's Create operation, PascalCase and complete.
        cluster: ``spec.cluster``, as the kind's `resolve` completes it.
        placement: on which nodes, and with what.
        settings: what the operator says.
    """

    owner: Owner
    attempt: int
    kind: str
    job_name: str
    region: str
    request: Mapping[str, Any]
    cluster: Mapping[str, Any]
    placement: Placement
    settings: ClusterSettings

    @property
    def name(self) -> str:
        """The name of its Job, and of what goes with it."""
        return kubernetes_name(self.owner, self.attempt)

    @property
    def namespace(self) -> str:
        """The namespace of all it consists of: its object's."""
        return self.owner.namespace

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all it consists of."""
        return labels(self.owner, self.attempt, kind=self.kind)

    @property
    def annotations(self) -> dict[str, str]:
        """Those that the Jobs of its kind alone have."""
        return {}

    @property
    def arn(self) -> str:
        """What stands for the ARN; AWS knows nothing of the job."""
        return job_arn(self.owner, self.attempt, region=self.region)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccompaniedWork(ClusterWork, ABC):
    """An attempt whose hosts know each other, each with an agent that brings its data and takes its results.

    Attributes:
        gang: the API of the object that holds its hosts together; None if nothing does.
    """

    gang: GangApi | None = None

    @property
    def engine(self) -> Engine:
        """What it is made as."""
        return Engine(self.cluster.get("engine") or Engine.JOB)

    @property
    @abstractmethod
    def resources(self) -> Mapping[str, Any]:
        """The part of the request that says what its hosts are: InstanceType, InstanceCount, VolumeSizeInGB."""

    @property
    def size(self) -> int:
        """How many pods it has."""
        return int(self.resources.get("InstanceCount", 1))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its host names, in the order of their ranks."""
        return host_names(self.name, self.size)

    @property
    def host_domain(self) -> str:
        """Where its host names are found."""
        return f"{self.name}.{self.namespace}.svc.{self.settings.domain}"

    @property
    def max_runtime_seconds(self) -> int:
        """How long it may run."""
        return int(self.request["StoppingCondition"]["MaxRuntimeInSeconds"])

    @property
    def max_wait_seconds(self) -> int | None:
        """How long it may wait and run, None for as long as it takes."""
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterJob(AccompaniedWork):
    """An attempt at a training job.

    Attributes:
        claims: PersistentVolumeClaims by the channel whose file system they stand for.
        fast_files: the channels that the Mountpoint for Amazon S3 CSI driver shows.
    """

    claims: Mapping[str, str]
    fast_files: tuple[FastFile, ...] = ()

    @property
    def name(self) -> str:
        """The name of its Job or JobSet, Service and ConfigMap."""
        if self.engine is Engine.JOB_SET:
            return job_set_name(self.owner, self.attempt)
        return kubernetes_name(self.owner, self.attempt)

    @property
    def arn(self) -> str:
        """What stands for the ARN; AWS knows nothing of the job."""
        if self.engine is Engine.JOB_SET:
            return f"arn:kubernetes:{JOB_SET_GROUP}:{self.region}:{self.namespace}:jobset/{self.name}"
        return job_arn(self.owner, self.attempt, region=self.region)

    @property
    def launch(self) -> Launch:
        """How the training container is started."""
        return Launch(self.cluster.get("launch", Launch.IMAGE))

    @property
    def resources(self) -> Mapping[str, Any]:
        """See `AccompaniedWork.resources`."""
        found: Mapping[str, Any] = self.request["ResourceConfig"]
        return found

    @property
    def hosts(self) -> tuple[str, ...]:
        """Its host names, in the order of their ranks."""
        of_job = member_name(self.name) if self.engine is Engine.JOB_SET else self.name
        return host_names(of_job, self.size)

    @property
    def max_wait_seconds(self) -> int | None:
        """How long it may wait and run, None for as long as it takes."""
        found = self.request["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return None if found is None else int(found)


def job_arn(owner: Owner, attempt: int, *, region: str) -> str:
    """What stands for the ARN of an attempt on the cluster, in an ARN's form."""
    return f"arn:kubernetes:batch:{region}:{owner.namespace}:job/{kubernetes_name(owner, attempt)}"
