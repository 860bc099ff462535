"""All benchmarks, each beside its baseline in the same run; writes docs/benchmarks.md.

python bench                        # all, about three quarters of an hour
python bench --only load naive      # some; the others keep their last reports
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
REPORTS = HERE.parent / "work" / "bench"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One script, and where its report goes."""

    name: str
    command: tuple[str, ...]

    @property
    def report(self) -> Path:
        """The JSON file."""
        return REPORTS / f"{self.name}.json"


RUNS = (
    Run(name="local", command=("local_sagemaker.py",)),
    Run(name="invocations", command=("invocations.py",)),
    Run(name="load", command=("operator_load.py", "--quotas", "off")),
    Run(name="naive", command=("operator_load.py", "--quotas", "off", "--operator", "naive")),
    Run(name="quotas", command=("operator_load.py", "--quotas", "aws")),
    Run(name="cluster", command=("cluster_scale.py",)),
    Run(name="steps", command=("steps.py",)),
)

_ROWS = (
    ("jobs created a second, from the first apply to the last Create", "created_per_second", "≥ 100, quotas off"),
    ("all created after, s", "all_created_after", ""),
    ("all statuses Completed after, s", "all_done_after", ""),
    ("SageMaker calls a job, over its life", "calls_per_job", "≤ 2.5"),
    ("SageMaker calls in 30 s at rest", "calls_at_rest", "0"),
    ("status behind the end of the job, median, s", "lag_p50", ""),
    ("status behind the end of the job, p99, s", "lag_p99", "≤ 12, quotas off"),
    ("calls throttled, %", "throttled_percent", "≤ 1, quotas on"),
    ("of the Create quota used, %", "create_quota_used_percent", "≥ 95, quotas on"),
    ("operator's CPU, s", "operator_cpu_seconds", ""),
    ("operator's memory (RSS), MB", "operator_rss_mb", ""),
)


_SETTING = """\
1,000 TrainingJobs of 60 s are applied at once. The API server is real, SageMaker is the local one: replies after 50 ms,
20,000 finished foreign jobs in the account, polled every 10 s. kube-controller-manager and kube-scheduler are stopped
meanwhile. The baseline is `bench/naive_operator.py`: a create handler, and a Describe per object and interval; it
writes no conditions, attempts or Events."""

_INVOCATIONS = """\
A model that answers at once, asked through the local SageMaker and, in the same run, directly: the difference is what
routing, metrics and two more HTTP messages cost. Client, local SageMaker and model share the machine."""

_CLUSTER = """\
TrainingJobs with `target: Cluster`, applied at once, on nodes that are only objects ([testing](testing.md), "Scale").
API server, controller-manager, scheduler and operator are the real ones. Every pod has to be on a node where it may be,
and no node idle on which a waiting pod would fit."""

_CLUSTER_ROWS = (
    ("nodes", "nodes"),
    ("jobs", "jobs"),
    ("pods", "pods"),
    ("pods that waited for a node at once, at most", "most_waiting"),
    ("wrong placements, idle nodes, other faults", "wrong"),
    ("all jobs created after, s", "all_created_after"),
    ("all pods placed after, s", "all_placed_after"),
    ("all statuses final after, s", "all_ended_after"),
    ("operator's CPU, s", "operator_cpu_seconds"),
    ("operator's memory (RSS) before, MB", "operator_rss_before_mb"),
    ("operator's memory (RSS) at most, MB", "operator_peak_rss_mb"),
    ("operator's requests to the API server, a job", "operator_requests_per_job"),
    ("load average before", "load_before"),
)

_STEPS = """\
Steps of pipelines, each a process as in its pod, whose job is a process of the local SageMaker's that prints the time
twice a second. The operator is set as it is installed. A step is told to end by SIGTERM, as a terminated run does."""

_STEPS_ROWS = (
    ("steps", "times", ""),
    ("from SIGTERM until the job is Stopping, median, s", "stopping_median", ""),
    ("the same, at most, s", "stopping_max", "≤ 2"),
    ("from the job's first line until the step shows it, median, s", "first_line_median", ""),
    ("the same, at most, s", "first_line_max", "≤ 3"),
    ("from any line until the step shows it, median, s", "line_median", ""),
    ("the same, at most, s", "line_max", ""),
    ("load average before", "load_before", ""),
)


def steps_table(report: dict[str, Any]) -> list[str]:
    """How soon steps act, as Markdown."""
    rows = [f"| {title} | {wanted} | {report[key]:g} |" for title, key, wanted in _STEPS_ROWS]
    return ["| | wanted | |", "|---|---|---|", *rows]


def cluster_table(report: dict[str, Any]) -> list[str]:
    """What jobs on the cluster cost, as Markdown, with the processors' time of all that took part."""
    rows = [(title, f"{report[key]:g}") for title, key in _CLUSTER_ROWS]
    shares = ", ".join(f"{name} {seconds:g}" for name, seconds in report["cpu_seconds"].items())
    return ["| | |", "|---|---|", *(f"| {title} | {value} |" for title, value in [*rows, ("CPU of all, s", shares)])]


def table(reports: dict[str, Any]) -> list[str]:
    """The operator's runs side by side, as Markdown."""
    columns = [name for name in ("load", "naive", "quotas") if name in reports]
    heads = {
        "load": "Sagebridge, quotas off",
        "naive": "naive operator, quotas off",
        "quotas": "Sagebridge, AWS's quotas",
    }
    lines = ["| | wanted | " + " | ".join(heads[name] for name in columns) + " |", "|---" * (len(columns) + 2) + "|"]
    for title, key, wanted in _ROWS:
        values = [reports[name].get(key) for name in columns]
        lines.append(f"| {title} | {wanted} | " + " | ".join("–" if v is None else f"{v:g}" for v in values) + " |")
    return lines


def local_table(report: list[dict[str, Any]]) -> list[str]:
    """The local SageMaker beside moto's server, as Markdown."""
    lines = [
        "| server | operation | calls/s | calls per CPU second | median, ms | p99, ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in report:
        figures = (row["calls_per_second"], row["calls_per_cpu_second"], row["median_ms"], row["p99_ms"])
        lines.append(
            f"| {row['server']} | {row['operation']} | " + " | ".join(f"{figure:.4g}" for figure in figures) + " |"
        )
    return lines


def invocations_table(report: list[dict[str, Any]]) -> list[str]:
    """InvokeEndpoint beside the serving process itself, as Markdown."""
    lines = [
        "| asked | payload, bytes | at once | calls/s | median, ms | p99, ms | load average before |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in report:
        figures = (row["calls_per_second"], row["median_ms"], row["p99_ms"], row["load"])
        sizes = f"{row['payload_bytes']} | {row['connections']}"
        lines.append(f"| {row['asked']} | {sizes} | " + " | ".join(f"{figure:g}" for figure in figures) + " |")
    return lines


def page(reports: dict[str, Any]) -> str:
    """The whole page."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, Linux"
    lines = [
        "# Benchmarks",
        "",
        f"Written by `make bench` on {datetime.now(UTC):%Y-%m-%d}: {machine}. Everything ran on that one machine.",
        "",
        "## The operator under load",
        "",
        _SETTING,
        "",
        *table(reports),
        "",
    ]
    if "local" in reports:
        lines += ["## The local SageMaker", "", *local_table(reports["local"]), ""]
    if "invocations" in reports:
        lines += ["## InvokeEndpoint", "", _INVOCATIONS, "", *invocations_table(reports["invocations"]), ""]
    if "cluster" in reports:
        lines += ["## Jobs on the cluster", "", _CLUSTER, "", *cluster_table(reports["cluster"]), ""]
    if "steps" in reports:
        lines += ["## Steps of pipelines", "", _STEPS, "", *steps_table(reports["steps"]), ""]
    return "\n".join(lines)


def main() -> None:
    """Run, then write the page from every report that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[run.name for run in RUNS], default=[run.name for run in RUNS])
    options = parser.parse_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    for run in RUNS:
        if run.name in options.only:
            print(f"==> {run.name}: load average {os.getloadavg()[0]:.1f} before", flush=True)
            script, *arguments = run.command
            command = [sys.executable, str(HERE / script), *arguments, "--report", str(run.report)]
            subprocess.run(command, check=True)
    reports = {run.name: json.loads(run.report.read_text()) for run in RUNS if run.report.exists()}
    PAGE.write_text(page(reports), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE}")


if __name__ == "__main__":
    main()
