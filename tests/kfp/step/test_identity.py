"""A step is known by its run and its node; where there is neither, by its folder of outputs and what it wants."""

from __future__ import annotations

import re

import pytest
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity, identify

RUN = "5b0f4a2e-8d4f-4a53-9d9a-5a3f1b9c7d11"
NODE = "digits-abc12.root.train.executor"


def in_pod(*, run: str = RUN, node: str = NODE, pod: str = "p", uid: str = "u") -> Identity:
    return identify({"SAGEBRIDGE_RUN_ID": run, "SAGEBRIDGE_NODE_NAME": node, "KFP_POD_NAME": pod, "KFP_POD_UID": uid})


@pytest.mark.parametrize(
    ("other", "same", "reason"),
    [
        (in_pod(pod="q", uid="v"), True, "a pod that was lost has a successor"),
        (in_pod(node=f"{NODE}(0)"), True, "Argo numbers the pods of a task with retries"),
        (in_pod(node=f"{NODE}(3)"), True, "the fourth of them"),
        (in_pod(node="digits-abc12.root.train(1).executor"), True, "the number may be in the midst"),
        (in_pod(run="another"), False, "another run"),
        (in_pod(node="digits-abc12.root.train-2.executor"), False, "another task"),
        (in_pod(node="digits-abc12.root.loop.item(0:0).train.executor"), False, "within a loop"),
    ],
)
def test_what_is_the_same_step(other: Identity, same: bool, reason: str) -> None:
    assert (other.name("TrainingJob") == in_pod().name("TrainingJob")) is same, reason
    assert (other.step("TrainingJob") == in_pod().step("TrainingJob")) is same, reason


def test_iterations_are_steps_of_their_own() -> None:
    nodes = [f"digits-abc12.root.loop.item({number}:{item}).train.executor" for number, item in enumerate("ab")]
    first, second = (in_pod(node=node) for node in nodes)
    assert first.step("TrainingJob") != second.step("TrainingJob")
    assert first.task_name == second.task_name == "train"


def test_two_kinds_of_one_step_are_two_objects() -> None:
    assert in_pod().step("TrainingJob") != in_pod().step("Endpoint")


@pytest.mark.parametrize(
    ("readable", "number", "begins", "ends"),
    [
        ("", 1, "train-", ""),
        ("Churn Model!", 1, "churn-model-", ""),
        ("x" * 100, 1, "x" * 48 + "-", ""),
        ("x" * 100, 100, "x" * 48 + "-", "-100"),
        ("...", 2, "trainingjob-", "-2"),
        ("a.b_c", 1, "a-b-c-", ""),
    ],
)
def test_names(readable: str, number: int, begins: str, ends: str) -> None:
    name = in_pod().name("TrainingJob", readable=readable, number=number)
    assert name == f"{begins}{in_pod().step('TrainingJob')}{ends}"
    assert len(name) <= 63
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)


@pytest.mark.parametrize(
    ("node", "name"),
    [
        (NODE, "train"),
        ("wf.root.train.executor(1)", "train"),
        ("wf.root.loop.iteration-item(0:lr:0.1).train.executor", "train"),
        ("executor", "step"),
    ],
)
def test_the_tasks_name(node: str, name: str) -> None:
    assert in_pod(node=node).task_name == name


def test_a_pod_is_known_by_name_and_uid() -> None:
    assert in_pod().pod == "p/u"
    assert in_pod(uid="").pod == ""


LOCAL = "/home/a/local_outputs/digits-2026-11-22-11-00-00-000001/train/model"


@pytest.mark.parametrize(
    ("uri", "spec", "same", "reason"),
    [
        (LOCAL.replace("/model", "/metrics"), {"a": 1}, True, "any of the task's outputs tells it"),
        (LOCAL, {"a": 2}, False, "iterations share the folder, and differ in what they want"),
        (LOCAL.replace("000001", "000002"), {"a": 1}, False, "another run"),
        (LOCAL.replace("train", "train-2"), {"a": 1}, False, "another task"),
    ],
)
def test_on_a_laptop(uri: str, spec: dict[str, int], same: bool, reason: str) -> None:
    first, other = identify({}, output_uri=LOCAL, spec={"a": 1}), identify({}, output_uri=uri, spec=spec)
    assert (first.step("TrainingJob") == other.step("TrainingJob")) is same, reason
    assert (first.run, first.task_name, first.pod) == ("digits-2026-11-22-11-00-00-000001", "train", "")


def test_from_an_artifact_of_a_run_without_the_environment() -> None:
    found = identify({}, output_uri="s3://bucket/v2/artifacts/digits/run-1/train/salt/model")
    assert (found.run, found.task_name) == ("run-1", "train")


def test_nothing_tells() -> None:
    with pytest.raises(StepFailedError, match="SAGEBRIDGE_RUN_ID"):
        identify({"KFP_POD_NAME": "p"})
