"""Everything that can be set: environment variables with the prefix ``SAGEBRIDGE_`` (docs/reference/settings.md)."""

from __future__ import annotations

import secrets
import socket
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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
        default=3600.0, ge=0, description="How long AWS may hold a deletion up before the object is released."
    )
    stale_after_seconds: float = Field(
        default=60.0, gt=0, description="Time without a successful sweep after which statuses and readiness say so."
    )

    # Process
    health_host: str = Field(default="0.0.0.0", description="Address of /healthz, /readyz and /metrics.")  # noqa: S104
    health_port: int = Field(default=8080, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics.")
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

    @field_validator("watch_namespaces", "allowed_role_arns", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
