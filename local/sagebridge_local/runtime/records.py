"""What a run takes, reports and gives back: plain data that the simulator and the runtime share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.paths import cache_directory

if TYPE_CHECKING:
    from datetime import datetime

FILE_SYSTEMS: Final = "SAGEBRIDGE_LOCAL_FILE_SYSTEMS"


class SecondaryStatus(StrEnum):
    """The secondary statuses that the runtime reports, in the order they can come.

    Source: SecondaryStatus of https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
    """

    DOWNLOADING = "Downloading"
    TRAINING = "Training"
    STOPPING = "Stopping"
    UPLOADING = "Uploading"


class OutcomeStatus(StrEnum):
    """How a run can end; the values of TrainingJobStatus that are terminal."""

    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeSettings:
    """What this machine offers to the runs on it.

    Attributes:
        interpreter: The Python that stands for the one in framework images.
        stop_grace_seconds: Seconds between SIGTERM and SIGKILL; SageMaker gives 120.
        file_systems: EFS or FSx file system id -> the local directory that stands for it.
        cache_dir: Where virtual environments made from requirements.txt are kept between jobs.
        use_docker: Whether images without another meaning may run through a Docker daemon.
        log_flush_seconds: Longest time that a log line waits before it is sent to CloudWatch Logs.
        checkpoint_sync_seconds: Time between two uploads of changed checkpoint files.
        source_limit_bytes: Largest unpacked size of a submitted source archive.
    """

    interpreter: str = sys.executable
    stop_grace_seconds: float = 120.0
    file_systems: Mapping[str, Path] = field(default_factory=dict)
    cache_dir: Path = field(default_factory=lambda: cache_directory() / "venvs")
    use_docker: bool = True
    log_flush_seconds: float = 0.2
    checkpoint_sync_seconds: float = 2.0
    source_limit_bytes: int = 2 * 1024**3

    @classmethod
    def from_environment(cls, *, stop_grace_seconds: float) -> RuntimeSettings:
        """What the user's environment says of this machine.

        SAGEBRIDGE_LOCAL_PYTHON is the interpreter, SAGEBRIDGE_LOCAL_FILE_SYSTEMS the file systems, written as
        `fs-0123=/data/efs,fs-4567=/data/fsx`.

        Raises:
            ValueError: a file system is written otherwise.
        """
        file_systems = {}
        for text in filter(None, os.environ.get(FILE_SYSTEMS, "").split(",")):
            identifier, separator, directory = text.strip().partition("=")
            if not separator:
                raise ValueError(f"{FILE_SYSTEMS}: {text!r} is not ID=DIRECTORY")
            file_systems[identifier] = Path(directory)
        return cls(
            interpreter=os.environ.get("SAGEBRIDGE_LOCAL_PYTHON") or sys.executable,
            stop_grace_seconds=stop_grace_seconds,
            file_systems=file_systems,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRun:
    """One job to be run, of whatever kind.

    Attributes:
        name: The job's name, such as TrainingJobName.
        arn: Its ARN.
        request: The whole Create request, PascalCase, already validated.
        region: The job's region.
        account: The job's account id, 12 digits.
        work_dir: A directory of this job's own; /opt/ml of every host is made below it.
        endpoint_url: Where S3 and CloudWatch Logs are, for the runtime and (in AWS_ENDPOINT_URL) for the script.
        images: Image, or glob over images, -> the command that stands for the image; a training job adds `train` to it.
        credentials: AWS_* variables for the runtime and for the script.
        settings: What this machine offers.
    """

    name: str
    arn: str
    request: Mapping[str, Any]
    region: str
    account: str
    work_dir: Path
    endpoint_url: str
    images: Mapping[str, Sequence[str]] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    settings: RuntimeSettings = field(default_factory=RuntimeSettings)


TrainingRun = JobRun
ProcessingRun = JobRun


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A step the run has just entered; each secondary status is reported at most once.

    Attributes:
        secondary_status: The new stage, of a training job its SecondaryStatus.
        message: The StatusMessage of the transition, in SageMaker's words where they are known.
    """

    secondary_status: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How the run ended.

    Attributes:
        status: Completed, Failed or Stopped.
        secondary_status: The last SecondaryStatus: Completed, Failed, Stopped, MaxRuntimeExceeded, MaxWaitTimeExceeded.
        failure_reason: FailureReason, at most 1,024 characters; None unless the run failed.
        exit_code: The exit code that decided the outcome; None when no process ran or ended by itself.
        metrics: FinalMetricDataList: `{"MetricName", "Value", "Timestamp"}`, the last value of each.
        model_artifacts: ModelArtifacts.S3ModelArtifacts; None when nothing was uploaded.
        training_start_time: When instances were taken into use: the download's begin. None if that never came.
        training_end_time: When the last upload was over. With the start time, gives TrainingTimeInSeconds.
        instance_count: Instances that were in use; billable seconds are counted for each.
        exit_message: ExitMessage of a processing job; None without one.
    """

    status: OutcomeStatus
    secondary_status: str
    failure_reason: str | None = None
    exit_code: int | None = None
    metrics: list[dict[str, Any]] = field(default_factory=list)
    model_artifacts: str | None = None
    training_start_time: datetime | None = None
    training_end_time: datetime | None = None
    instance_count: int = 1
    exit_message: str | None = None


Report = Callable[[Progress], None]
