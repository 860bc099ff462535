"""Changes to a TrainingJob before and after its first attempt, by merge and by server-side apply."""

from typing import Any

import pytest
from support.training_jobs import ALGORITHM, CHANNEL, OWN_IMAGE, Spec

ATTEMPTED: Spec = {"status": {"attempts": [{"number": 1, "name": "team-a-example-abc"}]}}
EVERYTHING: Spec = ALGORITHM | {
    "hyperParameters": {"a": 1, "b": True},
    "environment": {"A": 1},
    "inputDataConfig": [CHANNEL],
    "tags": [{"key": "a", "value": "b"}],
}

EDITS = [
    ("another instance type", {"resourceConfig": {"instanceType": "ml.m5.2xlarge"}}, "resourceConfig"),
    ("another hyperparameter", {"hyperParameters": {"a": 2}}, "hyperParameters"),
    ("a hyperparameter under another name", {"hyperParameters": {"a": None, "z": 1}}, "hyperParameters"),
    ("a hyperparameter as a string", {"hyperParameters": {"a": "1"}}, "hyperParameters"),
    ("one hyperparameter less", {"hyperParameters": {"a": None}}, "hyperParameters"),
    ("no hyperparameters", {"hyperParameters": None}, "hyperParameters"),
    ("another variable", {"environment": {"A": 2}}, "environment"),
    ("another channel", {"inputDataConfig": [CHANNEL | {"channelName": "b"}]}, "inputDataConfig"),
    ("a region", {"region": "eu-west-1"}, "region"),
    ("another level", {"algorithm": None, **OWN_IMAGE}, "algorithm"),
]


@pytest.mark.parametrize(("reason", "edit", "field"), EDITS)
def test_a_job_can_be_corrected_until_the_first_attempt(
    reason: str, edit: Spec, field: str, training_jobs: Any
) -> None:
    training_jobs.create(EVERYTHING)
    assert training_jobs.patch_refusal({"spec": edit}) == "", reason


@pytest.mark.parametrize(("reason", "edit", "field"), EDITS)
def test_a_job_is_immutable_from_the_first_attempt_on(reason: str, edit: Spec, field: str, training_jobs: Any) -> None:
    training_jobs.create(EVERYTHING)
    training_jobs.patch(ATTEMPTED, subresource="/status")
    message = training_jobs.patch_refusal({"spec": edit})
    refused = message.partition("can't be changed after the job was created: ")[2].partition(" (")[0]
    assert f"spec.{field}" in refused.split(", "), reason


def test_several_fields_are_told_apart(training_jobs: Any) -> None:
    training_jobs.create(EVERYTHING)
    training_jobs.patch(ATTEMPTED, subresource="/status")
    message = training_jobs.patch_refusal({"spec": {"region": "eu-west-1", "environment": {"A": 2}}})
    assert (
        "after the job was created: spec.environment, spec.region, and all else but runPolicy and tags (apply"
        in message
    )


@pytest.mark.parametrize(
    ("reason", "edit"),
    [
        ("suspended", {"runPolicy": {"suspend": True}}),
        ("another deletion policy", {"runPolicy": {"deletionPolicy": "Retain"}}),
        ("more tags", {"tags": [{"key": "a", "value": "c"}, {"key": "d", "value": "e"}]}),
        ("no tags", {"tags": None}),
        ("the same again", {"hyperParameters": {"a": 1, "b": True}}),
    ],
)
def test_run_policy_and_tags_stay_mutable(reason: str, edit: Spec, training_jobs: Any) -> None:
    training_jobs.create(EVERYTHING)
    training_jobs.patch(ATTEMPTED, subresource="/status")
    assert training_jobs.patch_refusal({"spec": edit}) == "", reason


def test_metadata_stays_mutable(training_jobs: Any) -> None:
    training_jobs.create(EVERYTHING)
    training_jobs.patch(ATTEMPTED, subresource="/status")
    annotations = {"sagebridge.io/reconcile-at": "now"}
    assert training_jobs.patch_refusal({"metadata": {"annotations": annotations, "finalizers": ["a.b/c"]}}) == ""
    training_jobs.patch({"metadata": {"finalizers": None}})


def test_server_side_apply_merges_channels_and_tags_by_name(training_jobs: Any) -> None:
    training_jobs.apply(EVERYTHING, manager="team")
    other = {"inputDataConfig": [CHANNEL | {"channelName": "extra"}], "tags": [{"key": "cost-center", "value": "7"}]}
    spec = training_jobs.apply(other, manager="platform")["spec"]
    assert [channel["channelName"] for channel in spec["inputDataConfig"]] == ["train", "extra"]
    assert [tag["key"] for tag in spec["tags"]] == ["a", "cost-center"]
    spec = training_jobs.apply({"tags": [{"key": "cost-center", "value": "8"}]}, manager="platform")["spec"]
    assert [channel["channelName"] for channel in spec["inputDataConfig"]] == ["train"]


def test_a_status_is_no_part_of_the_manifest(training_jobs: Any) -> None:
    created = training_jobs.create(ALGORITHM)
    assert "status" not in created
    training_jobs.patch({"status": {"observedGeneration": 1}})
    assert "status" not in training_jobs.patch({"metadata": {"labels": {"a": "b"}}})
