"""Everything that can be set: environment variables with the prefix ``SAGEBRIDGE_`` (docs/reference/settings.md)."""

from __future__ import annotations

import secrets
import socket
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_TOLERATION = frozenset({"key", "operator", "value", "effect", "tolerationSeconds"})

Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The operator's settings. A wrong value stops it at start, with the name of the variable."""

    model_config = SettingsConfigDict(env_prefix="SAGEBRIDGE_", frozen=True, extra="forbid")

    # Where it works
    cluster_name: str = Field(
        default="",
        description="Name of this cluster in tags and name hashes. Empty: the UID of the namespace kube-system.",
    )
    watch_namespaces: Names = Field(default=(), description="Namespaces to serve, separated by commas. Empty: all.")
    region: str = Field(default="", description="Default AWS region. Empty: the AWS SDK's own default (AWS_REGION).")
    role_arn: str = Field(default="", description="Default execution role of jobs, where no TenantPolicy gives one.")
    allowed_role_arns: Names = Field(
        default=(), description="Further execution roles that manifests may name while there is no TenantPolicy."
    )
    bucket: str = Field(
        default="", description="Default place of outputs and code, s3://BUCKET[/PREFIX], without a TenantPolicy."
    )

    # Pace
    poll_interval_seconds: float = Field(
        default=10.0, gt=0, description="Pause between two sweeps of the jobs' states."
    )
    endpoint_sweep_seconds: float = Field(
        default=300.0,
        gt=0,
        description="Pause between two sweeps of endpoints at rest, which see what others changed; while one is being "
        "changed, its account and region are swept every poll interval.",
    )
    aws_rates: dict[str, float] = Field(
        default_factory=dict,
        description='Calls a second by operation, as JSON, e.g. {"CreateTrainingJob": 2}; 0 lifts the limit. '
        "What is not named keeps the built-in value (docs/reference/settings.md).",
    )
    aws_unlimited: bool = Field(default=False, description="Lift all limits on calls to AWS; for tests and benchmarks.")
    aws_threads: int = Field(default=48, ge=1, description="AWS calls under way at once.")
    aws_connect_timeout_seconds: float = Field(default=10.0, gt=0, description="Time to connect to AWS.")
    aws_read_timeout_seconds: float = Field(default=60.0, gt=0, description="Time to wait for a reply of AWS.")
    recheck_seconds: float = Field(
        default=600.0, gt=0, description="Pause before looking again at an object whose user has to act."
    )
    quota_grace_seconds: float = Field(
        default=1800.0,
        ge=0,
        description="How long an exhausted quota counts as waiting; after it the object is Stalled.",
    )
    deletion_deadline_seconds: float = Field(
        default=3600.0,
        ge=0,
        description="How long AWS, or the cluster, may hold a deletion up before the object is released, counted from "
        "when an operator first works at it.",
    )
    stale_after_seconds: float = Field(
        default=60.0, gt=0, description="Time without a successful sweep after which statuses and readiness say so."
    )
    pipeline_step_grace_seconds: float = Field(
        default=600.0,
        ge=0,
        description="How long the pod of a pipeline's step may be gone, with no other pod of that step there, before "
        "the step's job is stopped (docs/pipelines.md). 0: never, and the pods of pipelines are not followed.",
    )

    # Jobs on the cluster's own nodes
    agent_image: str = Field(
        default="",
        description="Image of the agent in the pods of jobs with target: Cluster; the chart sets the operator's own. "
        "Empty: there are no such jobs here.",
    )
    cluster_domain: str = Field(default="cluster.local", description="The cluster's DNS domain.")
    cluster_environment: dict[str, str] = Field(
        default_factory=dict,
        description='Environment of every container of these pods, as JSON, e.g. {"HTTPS_PROXY": "http://proxy:3128"}. '
        "It is shown in the pods: nothing secret belongs there.",
    )
    cluster_daemons_millicores: int = Field(
        default=500,
        ge=0,
        description="Processors that jobs leave to the DaemonSets of each node, in thousandths: their requests' sum.",
    )
    cluster_daemons_mebibytes: int = Field(
        default=768, ge=0, description="Memory that jobs leave to the DaemonSets of each node, in MiB."
    )
    cluster_tolerations: list[dict[str, str | int]] = Field(
        default_factory=list,
        description='Further taints that every such job tolerates, as in a Pod, as JSON, e.g. [{"key": "dedicated", '
        '"operator": "Exists"}].',
    )
    cluster_fast_file_volumes: bool = Field(
        default=True,
        description="Where the cluster has the Mountpoint for Amazon S3 CSI driver, FastFile channels are volumes. "
        "False: they are downloaded there too.",
    )
    cluster_job_ttl_seconds: int = Field(
        default=86400,
        ge=600,
        description="How long Kubernetes keeps the Job and pods of an attempt that has ended. An operator that is away "
        "for longer does not see how it ended.",
    )
    cluster_upload_seconds: int = Field(
        default=900, ge=1, description="How long the agent tries to upload a job's results before the job fails."
    )
    cluster_pod_start_seconds: int = Field(
        default=600,
        ge=0,
        description="How long a pod of an Endpoint may wait for its node and its images, beside the time that its "
        "model and its container have; an update that takes longer goes back.",
    )

    cluster_gang_scheduling: str = Field(
        default="",
        pattern="^(|Coscheduling|Volcano|Kubernetes)$",
        description="Who schedules all hosts of a job at once or none, of jobs with several hosts and without "
        "cluster.queueName: Coscheduling (of scheduler-plugins), Volcano, or Kubernetes itself (1.35 or newer, with "
        "its feature gates). Empty: nobody; each pod is scheduled by itself.",
    )
    cluster_gang_scheduler_name: str = Field(
        default="",
        max_length=253,
        description="The schedulerName of the pods of such jobs. Empty: scheduler-plugins-scheduler with Coscheduling, "
        "volcano with Volcano, and the cluster's default with Kubernetes.",
    )

    # Process
    health_host: str = Field(default="0.0.0.0", description="Address of /healthz, /readyz and /metrics.")  # noqa: S104
    health_port: int = Field(default=8080, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics.")
    logs_url: str = Field(
        default="",
        pattern=r"^(|https://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?)$",
        description="Where pods reach the log service, https://HOST[:PORT]; the chart sets its Service's. Empty: "
        "logs are not served (docs/logs.md).",
    )
    logs_host: str = Field(default="0.0.0.0", description="Address of the log service.")  # noqa: S104
    logs_port: int = Field(default=8443, ge=1, le=65535, description="Port of the log service.")
    logs_streams: int = Field(
        default=400, ge=1, description="Streams of the log service that are open at once, in all."
    )
    logs_streams_per_caller: int = Field(
        default=100, ge=1, description="The same of one user or service account, on each replica."
    )
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR.")
    log_format: str = Field(default="text", pattern="^(text|json)$", description="text or json.")
    lease_namespace: str = Field(
        default="default", description="Namespace of the Lease; the chart sets the operator's own."
    )
    lease_name: str = Field(default="sagebridge", description="Name of the Lease that only one replica holds.")
    lease_identity: str = Field(
        default_factory=lambda: f"{socket.gethostname()}-{secrets.token_hex(4)}",
        description="Who this replica is: the pod's name in a cluster; by default another one with each start.",
    )
    lease_duration_seconds: float = Field(
        default=15.0, ge=3, description="Time after which a silent holder is replaced."
    )

    @field_validator("cluster_tolerations")
    @classmethod
    def _known(cls, tolerations: list[dict[str, str | int]]) -> list[dict[str, str | int]]:
        unknown = sorted({name for each in tolerations for name in each} - _TOLERATION)
        if unknown:
            raise ValueError(f"a toleration has no {', '.join(unknown)}, only {', '.join(sorted(_TOLERATION))}")
        return tolerations

    @field_validator("watch_namespaces", "allowed_role_arns", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
