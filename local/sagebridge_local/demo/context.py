"""What the demo's steps share: how they run commands, reach AWS and apply the examples."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import boto3
from botocore.config import Config
from sagebridge.core.job import Job

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.report import Report
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.workplace import Workplace
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import LocalStack
from sagebridge_local.stack.processes import is_alive

DEFAULT_POLL_INTERVAL: Final = 2.0
_ALIVE_SECONDS: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What can be chosen.

    Attributes:
        examples: The folder of manifests and scripts.
        poll_interval: Seconds between two looks of the operator at the jobs' states.
        timeout: Seconds that a job, or a change of the endpoint, may take.
    """

    examples: Path
    poll_interval: float
    timeout: float


@dataclass(kw_only=True, slots=True)
class Context:
    """What a step works with.

    Attributes:
        options: What was chosen.
        workplace: The demo's folder.
        stack: The demo's own control plane, local SageMaker and operator.
        screen: Where things are shown.
        report: What the steps find out goes there.
        environment: That of the commands, once the stack runs.
    """

    options: Options
    workplace: Workplace
    stack: LocalStack
    screen: Screen
    report: Report
    environment: Mapping[str, str] = field(default_factory=dict)
    _looked: float = 0.0

    @property
    def admin(self) -> AdminClient:
        """The local SageMaker's admin API."""
        return AdminClient(self.environment["AWS_ENDPOINT_URL"])

    def aws(self, service: str, **config: Any) -> Any:
        """Return a client of the AWS SDK for the demo's local SageMaker, and nothing else."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=self.environment["AWS_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(**config),
        )

    def say(self, text: str) -> None:
        """Print a line of ours."""
        self.screen.say(text)

    def kubectl(self, *arguments: str) -> None:
        """Run kubectl, and show the command and what it prints.

        Raises:
            DemoError: It failed.
        """
        self.screen.command(["kubectl", *arguments])
        self.screen.output(self.run("kubectl", *arguments))

    def run(self, *command: str) -> str:
        """Run a command, and return what it prints.

        Raises:
            DemoError: It failed.
        """
        answer = self.attempt(*command)
        if answer.returncode != 0:
            raise DemoError(f"'{' '.join(command)}' failed: {(answer.stderr or answer.stdout).strip()}")
        return answer.stdout

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        return subprocess.run(
            command,
            env=self.environment or None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def example(self, name: str) -> str:
        """The path of an example, as one would type it."""
        return shown_path(self.options.examples / name)

    def apply(self, manifest: str) -> None:
        """Apply an example."""
        self.kubectl("apply", "--filename", self.example(manifest))

    def make_code(self, name: str, *scripts: str) -> None:
        """Put scripts into a ConfigMap."""
        self.kubectl("create", "configmap", name, *(f"--from-file={self.example(script)}" for script in scripts))

    def object(self, kind: str, name: str) -> Job:
        """Read an object."""
        return Job.parse(json.loads(self.run("kubectl", "get", kind, name, "--output=json")))

    def events(self) -> Sequence[Mapping[str, Any]]:
        """The namespace's Events."""
        found: Sequence[Mapping[str, Any]] = json.loads(self.run("kubectl", "get", "events", "--output=json"))["items"]
        return found

    def check_alive(self) -> None:
        """See, every two seconds, that nothing of the stack has ended: no change would come any more.

        Raises:
            DemoError: Something has.
        """
        now = time.monotonic()
        if now - self._looked < _ALIVE_SECONDS:
            return
        self._looked = now
        ended = [name for name, record in self.stack.records().items() if not is_alive(record)]
        if ended:
            raise DemoError(f"{' and '.join(ended)} ended, and should not have.")


def shown_path(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
