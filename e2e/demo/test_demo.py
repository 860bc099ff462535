"""`make demo` as a stranger runs it: a process of its own, judged by its exit code, its report and what it leaves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sagebridge_local.stack import LocalStack, processes

pytestmark = pytest.mark.controlplane

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/digits"
STEPS = [
    "Local stack",
    "Data to S3",
    "Training job",
    "Score the model",
    "Bad manifest",
    "Failing script",
    "Tuning",
    "Batch transform",
    "Endpoint",
    "Canary update",
    "A/B weights",
    "Conditions and Events",
    "Delete",
    "Clean up",
]


def start(work: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a demo; its caller's own settings would lead it to another cluster and to AWS, if it took them."""
    environment = os.environ | {
        "KUBECONFIG": os.devnull,
        "AWS_PROFILE": "none",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "sagebridge_local.demo", "--work-dir", str(work), *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def report(work: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((work / "report.json").read_text())
    return content


def results(work: Path) -> dict[str, str]:
    return {step["title"]: step["result"] for step in report(work)["steps"]}


def assert_nothing_runs(work: Path) -> None:
    assert processes.marked(work / "stack") == []
    assert not (work / "stack/kubeconfig").exists()


def test_the_whole_demo(tmp_path: Path) -> None:
    work = tmp_path / "demo"
    demo = start(work)
    output, _ = demo.communicate()
    assert demo.returncode == 0, output
    written = report(work)
    assert (written["result"], written["error"]) == ("passed", None)
    assert results(work) == dict.fromkeys(STEPS, "passed")
    assert 0.95 <= written["accuracy"] <= 1
    assert written["heldOutRows"] == len((work / "held-out.csv").read_text().splitlines()) > 300
    jobs = {job["name"]: job for job in written["jobs"] if job["kind"] == "TrainingJob"}
    assert {name: (job["status"], job["attempts"]) for name, job in jobs.items()} == {
        "digits": ("Completed", 1),
        "digits-failing": ("Failed", 1),
    }
    assert all(job["awsCalls"]["CreateTrainingJob"] == {"OK": 1} for job in jobs.values())
    assert "KeyError" in jobs["digits-failing"]["failureReason"]
    assert "trainingInputMode" in written["refusal"]
    assert 0 < written["controlPlaneReadySeconds"] < written["stackReadySeconds"] < written["seconds"]
    assert_served(written)
    for shown in (
        "epoch=20 ",
        "digits: Completed Completed",
        "is invalid",
        "Failed=True JobFailed",
        "8 of 8 trials completed",
        "invoke_endpoint(",
        "old ████████████████████████████████ new   0%",
        "old ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ new 100%",
        "It works.",
    ):
        assert shown in output
    assert "\x1b" not in output
    assert_nothing_runs(work)


def assert_served(written: dict[str, Any]) -> None:
    """What was found out from the search to the end."""
    objectives = [trial["objective"] for trial in written["tuning"]["trials"]]
    assert len(objectives) == 8
    assert written["tuning"]["best"]["objectiveValue"] == max(objectives) > min(objectives)
    assert written["transform"]["rows"] == written["endpoint"]["rows"] == written["heldOutRows"]
    assert written["transform"]["accuracy"] == written["endpoint"]["accuracy"] >= 0.95
    assert written["endpoint"]["awsCalls"]["InvokeEndpoint"] == {"OK": written["invocations"]}
    canary = written["canary"]
    assert (canary["failed"], canary["wantedShare"]) == (0, 0.25)
    assert 0 < canary["share"] < 0.5
    assert canary["shareSeconds"] > 1
    even, shifted = written["weights"]["splits"]
    assert (even["weights"], shifted["weights"]) == ({"tuned": 1, "trained": 1}, {"tuned": 4, "trained": 1})
    assert shifted["shares"]["tuned"] > even["shares"]["tuned"]
    assert written["leftInSageMaker"] == {"endpoints": [], "endpointConfigs": [], "models": [], "unfinishedJobs": []}


@pytest.mark.parametrize(
    ("manifest", "changes", "step", "next_step"),
    [
        ("trainingjob.yaml", {"epochs: 20": "epochs: 1", "0.005": "0.000001"}, "Score the model", "Bad manifest"),
        (
            "hptuningjob.yaml",
            {"epochs: 10": "epochs: 1", "0.0001": "0.000001", "maxValue: 0.1": "maxValue: 0.000002"},
            "Batch transform",
            "Endpoint",
        ),
    ],
)
def test_a_bad_model_fails_the_demo(
    tmp_path: Path, manifest: str, changes: dict[str, str], step: str, next_step: str
) -> None:
    work, examples = tmp_path / "demo", tmp_path / "examples"
    shutil.copytree(EXAMPLES, examples)
    text = (examples / manifest).read_text()
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after)
    (examples / manifest).write_text(text)
    demo = start(work, "--examples", str(examples))
    output, _ = demo.communicate()
    assert demo.returncode == 1, output
    assert f"Step '{step}' failed: The model reads " in output
    assert "operator.log" in output
    written = report(work)
    assert written["result"] == "failed"
    assert written["error"]["step"] == step
    assert next_step not in results(work)
    assert results(work)["Clean up"] == "passed"
    assert_nothing_runs(work)


def test_an_operator_that_dies_is_told(tmp_path: Path) -> None:
    work = tmp_path / "demo"
    demo = start(work)
    assert demo.stdout
    for line in demo.stdout:
        if "kubectl get trainingjob digits --watch" in line:
            os.kill(LocalStack(work / "stack").records()["operator"].pid, signal.SIGKILL)
            break
    output, _ = demo.communicate()
    assert demo.returncode == 1, output
    assert report(work)["error"] == {"step": "Training job", "message": "operator ended, and should not have."}
    assert results(work)["Clean up"] == "passed"
    assert_nothing_runs(work)


def test_an_interrupted_demo_leaves_nothing_running(tmp_path: Path) -> None:
    work = tmp_path / "demo"
    demo = start(work)
    assert demo.stdout
    for line in demo.stdout:
        if "Starting the local SageMaker" in line:
            demo.send_signal(signal.SIGINT)
            break
    output, _ = demo.communicate()
    assert demo.returncode == 130, output
    assert report(work)["result"] == "interrupted"
    assert results(work) == {"Local stack": "interrupted", "Clean up": "passed"}
    assert_nothing_runs(work)
