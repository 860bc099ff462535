"""Where things are: below the staging prefix on S3, and in the job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CODE: Final = "sagebridge"
"""The channel with the bootstrap, the call, and the inputs that were copied to S3."""
BOOTSTRAP: Final = "bootstrap.py"
CALL: Final = "call.json"
KFP: Final = "kfp.zip"
RESULT: Final = "result"
"""The output of a processing job."""
ARCHIVE: Final = "result.tar.gz"
"""What a processing job leaves there; a training job's is the model's archive."""
EXECUTOR_OUTPUT: Final = "executor_output.json"
ARTIFACTS: Final = "artifacts"
PARAMETERS: Final = "parameters"
EXECUTOR_INPUT: Final = "{{$}}"
"""Kubeflow Pipelines' own placeholder, the one word of a component's command that differs from run to run."""
IN_RESULT: Final = "sagebridge-result:"
"""What the URI of an artifact begins with that lies in the archive; its path in there follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """Data that the job finds below the directory of its inputs.

    Attributes:
        name: the directory.
        uri: a prefix on S3, or a manifest file's URI.
        is_manifest: whether it is one.
    """

    name: str
    uri: str
    is_manifest: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Prefix:
    """All that one step has below the staging prefix: the same for each pod of the step."""

    uri: str

    @classmethod
    def of(cls, staging: str, *, component: str, step: str) -> Prefix:
        """The prefix of a step, which ten characters tell from all others."""
        return cls(uri=f"{staging.rstrip('/')}/{component}/{step}")

    @property
    def code(self) -> str:
        """The code channel's."""
        return f"{self.uri}/in/"

    @property
    def output(self) -> str:
        """Where the job writes."""
        return f"{self.uri}/out"

    def manifest(self, number: int) -> str:
        """Where the manifest of an input is."""
        return f"{self.uri}/manifests/{number}.json"
