"""The same BatchTransform on SageMaker and on the cluster: its outputs are the same, and so is its status."""

from __future__ import annotations

from typing import Any

import pytest

from node.node import Node
from node.operator import Cloud, Installation
from node.transforms import BUCKET, Transforms, objects, put, put_inputs, put_model, serving

# What the two statuses differ in, and why (docs/cluster/transform.md has the list for users).
TIMES = {"startTime", "completionTime", "creationTime", "transformStartTime", "transformEndTime", "duration"}
NAMES = {"transformJobName", "transformJobArn", "attempts", "outputPath"}
ONLY_SAGEMAKER = {"roleArn", "modelName", "models"}
DIFFERENT = {"logs", "conditions"}
ON_SAGEMAKER = {"target": None, "cluster": None}
ENDS = ("Completed", "JobFailed", "InvalidSpec")
ENDLESS = {"environment": {"PAUSE": "600"}}
"""No request is answered while a test looks."""


@pytest.fixture
def transforms(node: Node, operator: Installation, namespace: str) -> Transforms:
    return serving(node, namespace)


def test_the_digits_are_read_by_two_pods_as_by_two_instances(transforms: Transforms, cloud: Cloud) -> None:
    place = f"transforms/{transforms.namespace}"
    model = put_model(cloud, f"{place}/model.tar.gz")
    source = put_inputs(cloud, f"{place}/in", objects=3, rows=40)
    for name, change in (("here", {}), ("there", ON_SAGEMAKER)):
        transforms.apply(name, change, model=model, source=source, output=f"s3://{BUCKET}/{place}/{name}")
    here, there = (transforms.wait_reason(name, *ENDS) for name in ("here", "there"))

    assert transforms.reason("here") == "Completed", here
    assert transforms.reason("there") == "Completed", there
    found = objects(cloud, f"{place}/here")
    assert sorted(found) == [f"part-{number}.csv.out" for number in range(3)]
    assert found == objects(cloud, f"{place}/there")
    pairs = [line.split(",") for line in found["part-0.csv.out"].decode().splitlines()]
    assert len(pairs) == 40
    assert sum(label == digit for label, digit in pairs) >= 36
    assert comparable(here) == comparable(there)
    assert there.keys() - here.keys() <= ONLY_SAGEMAKER
    assert here.keys() - there.keys() <= {"logs"}
    assert transforms.log(here).count("serving 10 classes") == 2


def test_objects_that_the_model_refuses_fail_the_job_with_the_words_of_sagemaker(
    transforms: Transforms, cloud: Cloud
) -> None:
    place = f"transforms/{transforms.namespace}"
    model = put_model(cloud, f"{place}/model.tar.gz")
    source = put_inputs(cloud, f"{place}/in", objects=2, rows=3)
    for name in ("part-1.bad.csv", "part-3.bad.csv"):
        put(cloud, f"{place}/in/{name}", b"1,no,digit\n")
    for name, change in (("here", {}), ("there", ON_SAGEMAKER)):
        transforms.apply(name, change, model=model, source=source, output=f"s3://{BUCKET}/{place}/{name}")
    here, there = (transforms.wait_reason(name, *ENDS) for name in ("here", "there"))

    assert transforms.reason("here") == transforms.reason("there") == "JobFailed"
    assert here["failureReason"] == there["failureReason"]
    assert "(and 1 more)" in here["failureReason"]
    assert objects(cloud, f"{place}/here") == objects(cloud, f"{place}/there")
    assert sorted(objects(cloud, f"{place}/here")) == ["part-0.csv.out", "part-1.csv.out"]
    assert comparable(here) == comparable(there)


def test_a_model_server_that_crashes_is_told_with_its_last_words(transforms: Transforms, cloud: Cloud) -> None:
    place = f"transforms/{transforms.namespace}"
    transforms.apply(
        "crashes",
        model=put_model(cloud, f"{place}/broken.tar.gz", broken=True),
        source=put_inputs(cloud, f"{place}/in", objects=2, rows=1),
        output=f"s3://{BUCKET}/{place}/out",
    )
    status = transforms.wait_reason("crashes", *ENDS)

    assert transforms.reason("crashes") == "JobFailed"
    assert "did not pass the ping health check" in status["failureReason"]
    assert "FileNotFoundError" in status["failureReason"]
    assert objects(cloud, f"{place}/out") == {}


def test_a_model_that_is_not_there_is_told_in_the_words_of_sagemaker(transforms: Transforms, cloud: Cloud) -> None:
    place = f"transforms/{transforms.namespace}"
    transforms.apply(
        "missing",
        model=f"s3://{BUCKET}/{place}/nothing.tar.gz",
        source=put_inputs(cloud, f"{place}/in", objects=1, rows=1),
        output=f"s3://{BUCKET}/{place}/out",
    )
    status = transforms.wait_reason("missing", *ENDS)

    assert transforms.reason("missing") == "JobFailed"
    assert status["failureReason"].startswith("ClientError: Failed to download model data")


def test_a_job_that_is_stopped_and_goes_on(transforms: Transforms, cloud: Cloud) -> None:
    place = f"transforms/{transforms.namespace}"
    transforms.apply(
        "slow",
        ENDLESS,
        model=put_model(cloud, f"{place}/model.tar.gz"),
        source=put_inputs(cloud, f"{place}/in", objects=2, rows=1),
        output=f"s3://{BUCKET}/{place}/out",
    )
    transforms.wait_serving("slow", pods=2)

    transforms.patch("slow", {"runPolicy": {"suspend": True}})
    status = transforms.wait_reason("slow", "Suspended")
    assert status["transformJobStatus"] == "Stopped"
    transforms.node.wait_for("its pods are gone", lambda: not transforms.pods())

    transforms.patch("slow", {"runPolicy": {"suspend": False}})
    transforms.wait_serving("slow", pods=2)
    assert [attempt.get("status") for attempt in transforms.status("slow")["attempts"]] == ["Stopped", None]


def test_a_job_that_is_deleted_mid_run_leaves_nothing(transforms: Transforms, cloud: Cloud) -> None:
    place = f"transforms/{transforms.namespace}"
    transforms.apply(
        "deleted",
        ENDLESS,
        {"runPolicy": {"deletionPolicy": "Purge"}},
        model=put_model(cloud, f"{place}/model.tar.gz"),
        source=put_inputs(cloud, f"{place}/in", objects=2, rows=1),
        output=f"s3://{BUCKET}/{place}/out",
    )
    transforms.wait_serving("deleted", pods=2)

    transforms.delete("deleted")

    transforms.node.wait_for("the object is gone", lambda: transforms.is_gone("deleted"))
    transforms.node.wait_for("its pods are gone", lambda: not transforms.pods())
    left = transforms.node.kubectl("get", "jobs", f"--namespace={transforms.namespace}", "--output=name")
    assert left == ""
    assert objects(cloud, f"{place}/out") == {}


def comparable(status: dict[str, Any]) -> dict[str, Any]:
    """A status without what has to differ."""
    kept = {key: value for key, value in status.items() if key not in TIMES | NAMES | ONLY_SAGEMAKER | DIFFERENT}
    kept["conditions"] = [(one["type"], one["status"], one["reason"]) for one in status["conditions"]]
    kept["attempts"] = [(one["number"], one["status"], one.get("reason")) for one in status["attempts"]]
    return kept
