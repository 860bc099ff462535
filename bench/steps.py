"""What a pipeline's step costs a user in time: until its job is being stopped, and until the job's lines are seen.

The step is a process as in its pod, told to end by SIGTERM. API server, operator and log service are the real ones; the
job is a process of the local SageMaker's that prints the time. Each is begun when the one before is over.

    python bench/steps.py [--times 20] [--report report.json]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sagebridge_local.paths import crds_directory
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/ticks:1"
TICKS = """
import time

for _ in range(600):
    print("tick", time.time(), flush=True)
    time.sleep(0.5)
"""
STEP = """
import json, sys
from sagebridge_kfp.step.run import Wanted, run

run(Wanted(kind="TrainingJob", readable="bench", spec=json.loads(sys.argv[1])))
"""
SPEC = {
    "algorithmSpecification": {"trainingImage": IMAGE},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
}
_LINES = 12
_LOOK_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was measured, in seconds.

    Attributes:
        times: how many steps.
        stopping_median, stopping_max: from SIGTERM until SageMaker says that the job is Stopping.
        first_line_median, first_line_max: from when the job prints its first line until the step has printed it.
        line_median, line_max: the same of all lines that were looked at.
        load_before: the machine's load average.
    """

    times: int
    stopping_median: float
    stopping_max: float
    first_line_median: float
    first_line_max: float
    line_median: float
    line_max: float
    load_before: float


@dataclass
class Step:
    """A step's process, whose output is timed as it comes.

    Attributes:
        process: it.
        delays: of the job's lines, in seconds.
        said: the step's own lines.
    """

    process: subprocess.Popen[str]
    delays: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Note how late each line of the job is."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, _, rest = line.partition(" ")
            if word == "tick":
                self.delays.append(time.time() - float(rest))
            else:
                self.said.append(line)

    def wait_for_lines(self, number: int) -> None:
        """Wait until so many have come."""
        while len(self.delays) < number:
            if self.process.poll() is not None:
                raise RuntimeError(f"the step has ended: {self.process.returncode}\n{''.join(self.said)}")
            time.sleep(_LOOK_SECONDS)


@contextmanager
def started(kubeconfig: Path, number: int) -> Iterator[Step]:
    """A step of a run of its own; nothing of it is left afterwards."""
    facts = {"SAGEBRIDGE_RUN_ID": f"bench-{number}", "SAGEBRIDGE_NODE_NAME": "bench.root.train.executor"}
    pod = {"KFP_POD_NAME": f"pod-{number}", "KFP_POD_UID": f"uid-{number}", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", STEP, json.dumps(SPEC)],
        env={**os.environ, **facts, **pod, "KUBECONFIG": str(kubeconfig)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    step = Step(process)
    threading.Thread(target=step.read, daemon=True).start()
    try:
        yield step
    finally:
        process.kill()
        process.wait()


def stop(step: Step, aws: AdminClient) -> float:
    """Tell a step to end; how long it takes until its job is being stopped."""
    [job] = [one["name"] for one in aws.jobs() if one["status"] == "InProgress"]
    begun = time.monotonic()
    step.process.send_signal(signal.SIGTERM)
    while _status(aws, job) == "InProgress":
        time.sleep(_LOOK_SECONDS)
    taken = time.monotonic() - begun
    step.process.wait()
    while _status(aws, job) != "Stopped":
        time.sleep(_LOOK_SECONDS)
    return taken


def _status(aws: AdminClient, job: str) -> str:
    [status] = [one["status"] for one in aws.jobs() if one["name"] == job]
    return str(status)


@contextmanager
def standing(directory: Path) -> Iterator[tuple[Path, AdminClient]]:
    """Everything that steps need; the kubeconfig, and who tells what SageMaker does."""
    program, images = directory / "ticks.py", directory / "images.json"
    program.write_text(TICKS)
    images.write_text(json.dumps({IMAGE: [sys.executable, str(program)]}))
    with (
        ControlPlane.start(directory / "control-plane", crds=crds_directory()) as control_plane,
        Simulator.start(directory / "simulator", arguments=("--images", str(images))) as simulator,
        OperatorProcess.start(
            directory / "operator",
            kubeconfig=control_plane.kubeconfig,
            endpoint_url=simulator.url,
            serves_logs=True,
        ),
    ):
        yield control_plane.kubeconfig, AdminClient(simulator.url)


def benchmark(times: int) -> Report:
    """One step after the other."""
    load, stopping, delays = os.getloadavg()[0], [], []
    with tempfile.TemporaryDirectory() as directory, standing(Path(directory)) as (kubeconfig, aws):
        for number in range(times):
            with started(kubeconfig, number) as step:
                step.wait_for_lines(_LINES)
                delays.append(step.delays[:_LINES])
                stopping.append(stop(step, aws))
    return summarise(stopping, delays, load=load)


def summarise(stopping: list[float], delays: list[list[float]], *, load: float) -> Report:
    """Make figures of what was seen."""
    first, every = [lines[0] for lines in delays], [delay for lines in delays for delay in lines]
    return Report(
        times=len(stopping),
        stopping_median=round(statistics.median(stopping), 2),
        stopping_max=round(max(stopping), 2),
        first_line_median=round(statistics.median(first), 2),
        first_line_max=round(max(first), 2),
        line_median=round(statistics.median(every), 2),
        line_max=round(max(every), 2),
        load_before=round(load, 1),
    )


def main() -> None:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description="How soon a pipeline's step stops its job and shows its log.")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = asdict(benchmark(options.times))
    print(json.dumps(report, indent=2))
    if options.report:
        options.report.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
