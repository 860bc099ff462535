"""The demo's steps: each does what a user would do, by the commands a user would type, and checks what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from sagebridge.core.job import Job

from sagebridge_local.demo import scoring, verdicts
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.follow import Watch, follow
from sagebridge_local.demo.report import Report, versions
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.workplace import Workplace
from sagebridge_local.golang import kubectl as kubectl_program
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import LocalStack, aws

if TYPE_CHECKING:
    pass

DEFAULT_POLL_INTERVAL: Final = 2.0
PRODUCT_POLL_INTERVAL: Final = 10.0
_DATA: Final = f"s3://{aws.BUCKET}/digits"
_CONDITIONS: Final = r'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}{"\n"}{end}'
_WHAT_IS_BAD: Final = ("trainingInputMode", "FastFile", "maxRuntimeInSeconds", "greater than or equal to 1")
_WHY_IT_FAILS: Final = ("AlgorithmError", "the column 'label' is not in the training data")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What can be chosen.

    Attributes:
        examples: The folder of manifests and scripts.
        poll_interval: Seconds between two looks of the operator at the jobs' states.
        timeout: Seconds that a job may take.
    """

    examples: Path
    poll_interval: float
    timeout: float


class Demo:
    """What the steps share.

    Attributes:
        stack: The demo's own control plane, local SageMaker and operator.
        report: What the steps find out goes there.
    """

    def __init__(
        self, *, options: Options, workplace: Workplace, stack: LocalStack, screen: Screen, report: Report
    ) -> None:
        self.stack = stack
        self.report = report
        self._options = options
        self._workplace = workplace
        self._screen = screen
        self._environment: dict[str, str] = {}
        self._model = ""

    @property
    def steps(self) -> Sequence[tuple[str, Callable[[], str]]]:
        """Title and function of each step; the function returns what happened, in one sentence."""
        return (
            ("Local stack", self.start),
            ("Data to S3", self.write_data),
            ("Training job", self.train),
            ("Score the model", self.score),
            ("Bad manifest", self.apply_bad_manifest),
            ("Failing script", self.run_failing_script),
            ("Conditions and Events", self.look_back),
            ("Delete", self.delete),
        )

    def start(self) -> str:
        """Start control plane, local SageMaker and operator."""
        self._say("Kubernetes is built the first time, which takes about 6 minutes; then it comes from the cache.")
        program = kubectl_program()
        started = time.monotonic()
        with self._screen.waiting("Starting etcd, API server, controller-manager and scheduler ..."):
            self.stack.control_plane.ensure()
        ready = time.monotonic() - started
        with self._screen.waiting("Starting the local SageMaker and the operator ..."):
            self.stack.up()
        everything = time.monotonic() - started
        variables = self.stack.environment()
        path = os.pathsep.join([variables.pop("PATH"), os.environ.get("PATH", os.defpath)])
        self._environment = {**os.environ, **variables, "PATH": path}
        kubernetes = json.loads(self._run(str(program), "version", "--output=json"))["serverVersion"]["gitVersion"]
        self.report.facts |= {
            "controlPlaneReadySeconds": round(ready, 2),
            "stackReadySeconds": round(everything, 2),
            "pollIntervalSeconds": self._options.poll_interval,
            "versions": versions(kubernetes=kubernetes),
        }
        self._say(f"Kubernetes {kubernetes}, the local SageMaker and the operator run on this machine.")
        self._say(
            f"The operator looks at its jobs every {self._options.poll_interval:g} s here, so that you see more of it; "
            f"its default is {PRODUCT_POLL_INTERVAL:g} s."
        )
        return f"Control plane ready after {ready:.1f} s; with SageMaker and operator after {everything:.1f} s"

    def write_data(self) -> str:
        """Write the digits to S3, and keep some aside."""
        script = self._example("data.py")
        self._screen.command(["python", script, _DATA, "--held-out", _shown(self._workplace.held_out)])
        with self._screen.waiting("Loading scikit-learn's digits ..."):
            said = self._run(sys.executable, script, _DATA, "--held-out", _shown(self._workplace.held_out))
        self._screen.output(said)
        found = _client("s3", self._environment).list_objects_v2(Bucket=aws.BUCKET, Prefix="digits/")
        files = [item["Key"] for item in found.get("Contents", []) if item["Size"]]
        if len(files) != 2:
            raise DemoError(
                f"{_DATA} should hold the training and the validation data, but holds {files or 'nothing'}."
            )
        rows = len(self._workplace.held_out.read_text().splitlines())
        self.report.facts["heldOutRows"] = rows
        return f"{len(files)} files in {_DATA}; {rows} digits held out"

    def train(self) -> str:
        """Train a model by one manifest."""
        self._make_code("digits-code", "train.py")
        job, lines = self._follow("digits", "trainingjob.yaml")
        self._note(job)
        self._model = verdicts.check_completed(job)
        if not lines:
            raise DemoError("The job has completed, but its log is empty.")
        metrics = {entry["metricName"]: entry["value"] for entry in job.status.get("finalMetricDataList", ())}
        self.report.facts["metrics"] = metrics
        told = ", ".join(f"{name} {value:g}" for name, value in metrics.items())
        took = job.status.get("duration")
        return f"{job.attempts[0].name} completed in {took}; {told or 'no metrics'}; {lines} log lines"

    def score(self) -> str:
        """Download the model and let it read digits it has never seen."""
        self._say(f"The model: {self._model}")
        archive = self._workplace.model / "model.tar.gz"
        size = scoring.download(_client("s3", self._environment), uri=self._model, path=archive)
        model = scoring.unpack(archive, self._workplace.model)
        with self._screen.waiting("Letting it read the held-out digits ..."):
            score = scoring.score(model, held_out=self._workplace.held_out)
        self.report.facts |= {
            "accuracy": round(score.accuracy, 6),
            "requiredAccuracy": verdicts.REQUIRED_ACCURACY,
            "modelBytes": size,
        }
        self._say(f"It reads {score.correct} of {score.rows} held-out digits.")
        verdicts.check_accuracy(score)
        return f"Accuracy {score.accuracy:.4f} on {score.rows} held-out digits (wanted: {verdicts.REQUIRED_ACCURACY})"

    def apply_bad_manifest(self) -> str:
        """Apply a manifest with mistakes, and see it refused."""
        command = ["kubectl", "apply", "--filename", self._example("bad.yaml")]
        self._screen.command(command)
        asked = self._admin.count("CreateTrainingJob")
        answer = self._try(*command)
        self._screen.output(answer.stdout + answer.stderr)
        refused = verdicts.check_refused(answer.stderr if answer.returncode else None, words=_WHAT_IS_BAD)
        self.report.facts["refusal"] = refused.strip()
        if self._try("kubectl", "get", "trainingjob", "digits-bad").returncode == 0:
            raise DemoError("The bad manifest was refused, and yet its object is there.")
        verdicts.check_no_job("digits-bad", jobs=self._jobs(), creates=self._admin.count("CreateTrainingJob") - asked)
        return "Refused by the API server, which names both mistakes; SageMaker was not asked"

    def run_failing_script(self) -> str:
        """Run a script that fails, and see it told."""
        self._make_code("failing-code", "failing.py")
        job, _ = self._follow("digits-failing", "failing.yaml")
        self._note(job)
        reason = verdicts.check_failed(job, words=_WHY_IT_FAILS)
        self._say("The script's own words, in status.failureReason:")
        self._screen.output(reason)
        told = next(line.strip() for line in reversed(reason.splitlines()) if _WHY_IT_FAILS[1] in line)
        return f"Failed, as it should, after {job.status.get('duration')}: {told}"

    def look_back(self) -> str:
        """Show conditions and Events, and count what SageMaker was asked."""
        self._kubectl("get", "trainingjobs")
        for name in ("digits", "digits-failing"):
            self._screen.command(["kubectl", "get", "trainingjob", name, "--output", f"'{_CONDITIONS}'"])
            self._screen.output(self._run("kubectl", "get", "trainingjob", name, "--output", _CONDITIONS))
            self._kubectl("events", "--for", f"trainingjob/{name}")
        events = json.loads(self._run("kubectl", "get", "events", "--output=json"))["items"]
        verdicts.check_events(events, name="digits", reasons=("AttemptCreated", "Completed"))
        verdicts.check_events(events, name="digits-failing", reasons=("AttemptCreated", "JobFailed"))
        return f"{len(events)} Events tell the story; {self._count_calls()}"

    def delete(self) -> str:
        """Delete the objects."""
        self._kubectl("delete", "trainingjobs", "--all", "--timeout=60s")
        left = self._run("kubectl", "get", "trainingjobs", "--output=name").split()
        if left:
            raise DemoError(f"{', '.join(left)} should be gone.")
        return "Both objects are gone; what they made in S3 and SageMaker was left, as is the default"

    @property
    def _admin(self) -> AdminClient:
        return AdminClient(self._environment["AWS_ENDPOINT_URL"])

    def _count_calls(self) -> str:
        calls, names = self._admin.calls(), self._jobs()
        entries = self.report.facts["jobs"]
        for entry in entries:
            job = Job.parse(json.loads(self._run("kubectl", "get", "trainingjob", entry["name"], "--output=json")))
            verdicts.check_one_job(job, calls=calls["objects"], jobs=names)
            entry["awsCalls"] = calls["objects"][entry["trainingJobName"]]
        self.report.facts["awsCalls"] = calls["operations"]
        told = ", ".join(f"{sum(outcomes.values())} {operation}" for operation, outcomes in calls["operations"].items())
        return f"SageMaker was asked {calls['total']} times for {len(entries)} jobs: {told}"

    def _jobs(self) -> list[str]:
        return [job["name"] for job in self._admin.jobs()]

    def _note(self, job: Job) -> None:
        status = job.status
        entry = {
            "name": job.name,
            "trainingJobName": status.get("trainingJobName"),
            "status": status.get("trainingJobStatus"),
            "failureReason": status.get("failureReason"),
            "attempts": len(job.attempts),
            "trainingTimeInSeconds": status.get("trainingTimeInSeconds"),
        }
        self.report.facts.setdefault("jobs", []).append(entry)

    def _follow(self, name: str, manifest: str) -> tuple[Job, int]:
        self._kubectl("apply", "--filename", self._example(manifest))
        watching = ["kubectl", "get", "trainingjob", name, "--watch"]
        self._screen.command(watching)
        with (
            Watch([*watching, "--output=json"], environment=self._environment) as watch,
            self._screen.job(name) as display,
        ):
            logs = _client("logs", self._environment)
            return follow(watch, display=display, client=logs, timeout=self._options.timeout)

    def _make_code(self, name: str, script: str) -> None:
        self._kubectl("create", "configmap", name, f"--from-file={self._example(script)}")

    def _kubectl(self, *arguments: str) -> None:
        self._screen.command(["kubectl", *arguments])
        self._screen.output(self._run("kubectl", *arguments))

    def _run(self, *command: str) -> str:
        answer = self._try(*command)
        if answer.returncode != 0:
            raise DemoError(f"'{' '.join(command)}' failed: {(answer.stderr or answer.stdout).strip()}")
        return answer.stdout

    def _try(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self._environment or None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def _example(self, name: str) -> str:
        return _shown(self._options.examples / name)

    def _say(self, text: str) -> None:
        self._screen.say(text)


def _shown(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _client(service: str, environment: Mapping[str, str]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
