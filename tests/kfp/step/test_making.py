"""Which object a step goes on with, and what it writes on it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sagebridge_kfp.step.applying import may_mark, to_apply
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity, spec_digest
from sagebridge_kfp.step.kinds import PLURALS, SHORT_NAMES, plural_of
from sagebridge_kfp.step.making import attachment, manifest, newest, next_number
from sagebridge_kfp.step.marks import label_value
from sagebridge_kfp.step.wanted import Wanted
from sagebridge_local.paths import crds_directory

ME = Identity(run="run-1", task="wf.root.train.executor", task_name="train", pod="p/u")
WANTED = Wanted(kind="TrainingJob", spec={"roleArn": "r"}, labels={"team": "a"}, annotations={"why": "b"})
STEP = ME.step("TrainingJob")


def thing(number: int = 1, *conditions: str, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": ME.name("TrainingJob", number=number), "labels": {"sagebridge.io/pipeline-step": STEP}}
        | metadata,
        "status": {"conditions": [{"type": kind, "status": "True"} for kind in conditions]},
    }


@pytest.mark.parametrize(
    ("found", "number", "reason"),
    [
        ([], 1, "nothing was made yet"),
        ([thing()], None, "it runs"),
        ([thing(1, "Complete")], None, "it has completed, which a retry takes over"),
        ([thing(1, "Failed")], 2, "a retry after a failure is a new attempt"),
        ([thing(1, "Stalled")], None, "it may go on"),
        ([thing(2), thing(1, "Failed")], None, "the newest counts"),
        ([thing(9, "Failed"), thing(10, "Failed"), thing(1, "Failed")], 11, "as numbers, not as words"),
        ([thing(2, "Failed")], 3, "the first one was cleared away"),
        ([thing(1, deletionTimestamp="2026-01-01T00:00:00Z")], 2, "its name is taken until it is gone"),
    ],
)
def test_which_one_counts(found: list[dict[str, Any]], number: int | None, reason: str) -> None:
    assert next_number(newest(found)) == number, reason


def test_what_is_made() -> None:
    made = manifest(WANTED, identity=ME, name="n")
    assert made["metadata"]["labels"] == {
        "team": "a",
        "sagebridge.io/pipeline-run": "run-1",
        "sagebridge.io/pipeline-step": STEP,
    }
    noted = made["metadata"]["annotations"]
    assert (noted["why"], noted["sagebridge.io/step-pod"]) == ("b", "p/u")
    assert noted["sagebridge.io/pipeline-task"] == "wf.root.train.executor"
    assert (made["kind"], made["spec"]) == ("TrainingJob", {"roleArn": "r"})


POD, STOPPED = "sagebridge.io/step-pod", "sagebridge.io/step-stopped"
NO_MORE = {STOPPED: None, "sagebridge.io/step-stopped-because": None}


@pytest.mark.parametrize(
    ("noted", "conditions", "patch", "reason"),
    [
        ({POD: "p/u"}, (), None, "it is this pod's already"),
        ({POD: "old/1"}, (), {"metadata": {"annotations": {POD: "p/u"}}}, "a successor says so"),
        ({POD: "old/1"}, ("Complete",), None, "nothing that has ended is touched"),
        (
            {POD: "old/1", STOPPED: "true"},
            (),
            {"metadata": {"annotations": {POD: "p/u"} | NO_MORE}, "spec": {"runPolicy": {"suspend": False}}},
            "its predecessor was told to end",
        ),
        (
            {POD: "p/u", STOPPED: "true"},
            (),
            {"metadata": {"annotations": NO_MORE}, "spec": {"runPolicy": {"suspend": False}}},
            "the same pod, which stopped what had stalled",
        ),
    ],
)
def test_taking_over(noted: dict[str, str], conditions: tuple[str, ...], patch: object, reason: str) -> None:
    assert attachment(thing(1, *conditions, annotations=noted), identity=ME) == patch, reason


def test_each_kinds_short_name_is_kubectls() -> None:
    documents = [yaml.safe_load(path.read_text()) for path in crds_directory().glob("*.yaml")]
    names = {each["spec"]["names"]["kind"]: each["spec"]["names"]["shortNames"] for each in documents}
    assert all(short in names[kind] for kind, short in SHORT_NAMES.items())
    assert SHORT_NAMES.keys() == PLURALS.keys()


def test_a_laptop_has_no_pod_to_tell_of() -> None:
    local = Identity(run="r", task="t", task_name="t")
    assert POD not in manifest(WANTED, identity=local, name="n")["metadata"]["annotations"]
    assert attachment(thing(annotations={POD: "p/u"}), identity=local) is None


@pytest.mark.parametrize(
    ("body", "may", "reason"),
    [
        (None, True, "it is not there"),
        ({"metadata": {"name": "e"}}, False, "somebody has made it otherwise"),
        (thing(), True, "the step that made it has not ended well"),
        (thing(annotations={"sagebridge.io/step-done": "true"}), False, "what an ended step left stays as it left it"),
    ],
)
def test_whose_a_named_object_is(body: dict[str, Any] | None, may: bool, reason: str) -> None:
    assert may_mark(body) is may, reason


def test_what_is_somebody_elses_is_given_no_marks_but_the_specs() -> None:
    wanted = Wanted(kind="Endpoint", spec={}, name="e", labels={"team": "a"})
    given = to_apply(wanted, identity=ME, is_marked=False)["metadata"]
    noted = {"sagebridge.io/step-spec": spec_digest({})}
    assert given == {"name": "e", "labels": {"team": "a"}, "annotations": noted}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5b0f4a2e-8d4f-4a53-9d9a-5a3f1b9c7d11", "5b0f4a2e-8d4f-4a53-9d9a-5a3f1b9c7d11"),
        ("my pipeline", "my-pipeline-"),
        ("x" * 64, "x" * 52 + "-"),
        ("-", ""),
    ],
)
def test_values_of_labels(text: str, value: str) -> None:
    assert label_value(text).startswith(value)
    assert len(label_value(text)) <= 63
    assert label_value(text)[0].isalnum()


def test_every_kind_that_runs_has_its_resource() -> None:
    documents = [yaml.safe_load(path.read_text())["spec"]["names"] for path in crds_directory().glob("*.yaml")]
    assert {one["kind"]: one["plural"] for one in documents if one["kind"] in PLURALS} == PLURALS
    assert {one["kind"] for one in documents} - set(PLURALS) == {"TenantPolicy"}


def test_there_is_no_other_kind() -> None:
    with pytest.raises(StepFailedError, match="There is no kind Pod; there are BatchTransform, Endpoint"):
        plural_of("Pod")
