"""Where the parts of the contract lie below /opt/ml, or below the directory that stands for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

OPT_ML: Final = "/opt/ml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """The directories and files of the contract.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html and
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html

    Attributes:
        base: What stands for /opt/ml, without a slash at its end.
    """

    base: str = OPT_ML

    @property
    def input(self) -> str:
        """Configuration and data."""
        return f"{self.base}/input"

    @property
    def config(self) -> str:
        """The three JSON files."""
        return f"{self.input}/config"

    @property
    def data(self) -> str:
        """One directory, or one series of named pipes, for each channel."""
        return f"{self.input}/data"

    @property
    def model(self) -> str:
        """What becomes model.tar.gz."""
        return f"{self.base}/model"

    @property
    def output(self) -> str:
        """The failure file, and the output data."""
        return f"{self.base}/output"

    @property
    def output_data(self) -> str:
        """What becomes output.tar.gz."""
        return f"{self.output}/data"

    @property
    def output_intermediate(self) -> str:
        """Files that are copied to S3 while the training goes on, when `sagemaker_s3_output` asks for it."""
        return f"{self.output}/intermediate"

    @property
    def failure(self) -> str:
        """The file whose first 1,024 characters become FailureReason."""
        return f"{self.output}/failure"

    @property
    def message(self) -> str:
        """The file whose first kilobyte becomes a processing job's ExitMessage."""
        return f"{self.output}/message"

    @property
    def processing(self) -> str:
        """Inputs and outputs of a processing job."""
        return f"{self.base}/processing"

    @property
    def processing_config(self) -> str:
        """The two JSON files of a processing job."""
        return f"{self.base}/config"

    @property
    def checkpoints(self) -> str:
        """The default of CheckpointConfig.LocalPath."""
        return f"{self.base}/checkpoints"

    @property
    def code(self) -> str:
        """Where the submitted source is unpacked."""
        return f"{self.base}/code"

    def channel(self, name: str) -> str:
        """The directory of one channel."""
        return f"{self.data}/{name}"

    def locate(self, path: str) -> str:
        """The same path in this layout, when it is /opt/ml or below; any other text unchanged."""
        if path == OPT_ML or path.startswith(f"{OPT_ML}/"):
            return self.base + path[len(OPT_ML) :]
        return path

    def locate_hyperparameter(self, value: str) -> str:
        """As `locate`, for the text of a hyperparameter, which may be a JSON string."""
        if not value.startswith('"'):
            return self.locate(value)
        try:
            decoded = json.loads(value)
        except ValueError:
            return value
        return json.dumps(self.locate(decoded)) if isinstance(decoded, str) else value
