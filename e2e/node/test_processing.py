"""The same ProcessingJob on SageMaker and on the cluster: its outputs are the same, and so is its status."""

from __future__ import annotations

from typing import Any

from node.images import Image
from node.layers import files
from node.operator import Cloud
from node.processing import ALONE, ENDS, PATIENT, Processing
from node.training_image import training_image
from node.transforms import BUCKET

# What the two statuses differ in, and why (docs/cluster/processing.md has the list for users).
TIMES = {"startTime", "completionTime", "creationTime", "processingStartTime", "processingEndTime", "duration"}
NAMES = {"processingJobName", "processingJobArn", "attempts", "processingOutputConfig", "sourceUri", "outputPath"}
ONLY_SAGEMAKER = {"roleArn"}
DIFFERENT = {"logs", "conditions", "image"}
ON_SAGEMAKER = {"target": None, "cluster": None}
BOTH: tuple[tuple[str, dict[str, Any]], ...] = (("here", {}), ("there", ON_SAGEMAKER))

# The second host fails; the first one would go on for ever.
FAILING = """
import json, pathlib, sys, time

config = json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text())
if config["current_host"] == config["hosts"][0]:
    time.sleep(3600)
root = pathlib.Path("/opt/ml/processing/output")
(root / "progress" / "state.txt").write_text("begun")
(root / "out" / "result.txt").write_text("half of it")
pathlib.Path("/opt/ml/output/message").write_text("no rows")
sys.exit(3)
"""
# It reads what its image has beside inputs and outputs.
OWN = """#!/bin/sh
set -e
cd /opt/ml/processing
cat lib/words.txt > output/out/words.txt
id -u >> output/out/words.txt
touch output/mine/written
echo "$WORD" > /opt/ml/output/message
"""


def test_the_digits_are_split_by_two_pods_as_by_two_instances(processing: Processing, cloud: Cloud) -> None:
    here, there = on_both(processing)

    assert processing.reason("here") == "Completed", here
    assert processing.reason("there") == "Completed", there
    found, wanted = (processing.written(cloud, name) for name in ("here", "there"))
    assert sorted(found["out"]) == [f"train-{number}.csv" for number in (1, 2, 3, 4)]
    assert (found["out"], found["rest"]) == (wanted["out"], wanted["rest"])
    # Hosts are called otherwise, in the same order.
    assert in_order(found["progress"]) == in_order(wanted["progress"])
    assert len(found["progress"]) == 2
    assert here["exitMessage"] == "54 rows out, 485 left. 54 rows out, 485 left. "
    assert comparable(here) == comparable(there)
    assert there.keys() - here.keys() <= ONLY_SAGEMAKER
    assert here.keys() - there.keys() <= {"logs"}
    assert here["logs"]["container"] == "process"
    assert sorted(line.partition(":")[0] for line in processing.log(here).splitlines()) == sorted(found["out"])


def test_a_script_that_fails_is_told_in_the_same_words(processing: Processing, cloud: Cloud) -> None:
    processing.put_code(FAILING)
    here, there = on_both(processing)

    assert processing.reason("here") == processing.reason("there") == "JobFailed"
    assert here["failureReason"] == there["failureReason"]
    assert here["failureReason"].endswith("exit code: 3")
    assert here["exitMessage"] == "no rows"
    assert comparable(here) == comparable(there)
    for name in ("here", "there"):
        found = processing.written(cloud, name)
        assert found == {"out": {}, "rest": {}, "progress": {"state.txt": b"begun"}}, name


def test_an_input_that_is_not_there_is_told_in_the_same_words(processing: Processing) -> None:
    nothing = {"inputName": "digits", "s3Input": {"s3Uri": f"s3://{BUCKET}/processing/nothing/"}}
    here, there = on_both(processing, {"processingInputs": [nothing]})

    assert processing.reason("here") == processing.reason("there") == "JobFailed"
    # Who may not see it is the role there, and the pods' service account here.
    told, wanted = (status["failureReason"].partition("and that the ")[0] for status in (here, there))
    assert told == wanted
    assert told.startswith("ClientError: Data download failed")
    assert comparable(here) | {"failureReason": told} == comparable(there) | {"failureReason": wanted}


def test_a_job_whose_time_is_up_ends_as_on_sagemaker(processing: Processing, cloud: Cloud) -> None:
    processing.put_code(PATIENT)
    here, there = on_both(processing, ALONE, {"stoppingCondition": {"maxRuntimeInSeconds": 60}})

    assert processing.reason("here") == processing.reason("there") == "JobStopped"
    assert here["exitMessage"] == "ended when told to"
    assert comparable(here) == comparable(there)
    for name in ("here", "there"):
        found = processing.written(cloud, name)
        assert found == {"out": {}, "rest": {}, "progress": {"state.txt": b"told to end"}}, name


def test_a_continuous_output_is_seen_while_the_job_runs(processing: Processing, cloud: Cloud) -> None:
    processing.begin("slow")
    begun = {"out": {}, "rest": {}, "progress": {"state.txt": b"begun"}}
    processing.wait("slow", lambda _: processing.written(cloud, "slow") == begun, what="its progress is on S3")
    assert processing.status("slow")["processingJobStatus"] == "InProgress"

    processing.end_script()
    status = processing.wait_reason("slow", *ENDS)
    assert processing.reason("slow") == "Completed", status
    assert status["exitMessage"] == "ended when told to"
    found = processing.written(cloud, "slow")
    assert found["out"] == {"result.txt": b"all of it"}
    assert found["progress"] == {"state.txt": b"told to end"}


def test_a_job_that_is_stopped_and_goes_on(processing: Processing, cloud: Cloud) -> None:
    processing.begin("paused")

    processing.patch("paused", {"runPolicy": {"suspend": True}})
    status = processing.wait_reason("paused", "Suspended")
    assert status["processingJobStatus"] == "Stopped"
    found = processing.written(cloud, "paused")
    assert (found["out"], found["progress"]) == ({}, {"state.txt": b"told to end"})
    processing.node.wait_for("its pods have ended", lambda: not processing.pods())

    processing.patch("paused", {"runPolicy": {"suspend": False}})
    processing.wait_begun("paused")
    processing.end_script()
    status = processing.wait_reason("paused", *ENDS)
    assert [attempt["status"] for attempt in status["attempts"]] == ["Stopped", "Completed"]
    assert processing.written(cloud, "paused")["out"] == {"result.txt": b"all of it"}


def test_a_job_that_is_deleted_mid_run_leaves_nothing(processing: Processing, cloud: Cloud) -> None:
    processing.begin("deleted", {"runPolicy": {"deletionPolicy": "Purge"}})

    processing.delete("deleted")

    processing.node.wait_for("the object is gone", lambda: processing.is_gone("deleted"))
    processing.node.wait_for("its pods are gone", lambda: not processing.pods_with(""))
    made = ("jobs", "services", "configmaps")
    left = processing.kubectl("get", ",".join(made), "--output=name").split()
    assert sorted(left) == ["configmap/digits-split-code", "configmap/kube-root-ca.crt"]
    assert processing.written(cloud, "deleted")["out"] == {}


def test_an_image_of_ones_own_keeps_what_it_has(processing: Processing, cloud: Cloud) -> None:
    processing.node.load(own_image())
    application = {"imageUri": "localhost/own-processing:1", "containerArguments": None}
    place = f"s3://{BUCKET}/{processing.place('own')}"
    out = {"outputName": "out", "s3Output": {"s3Uri": f"{place}/out"}}
    rest = {"localPath": "/opt/ml/processing/output/mine", "s3Uri": f"{place}/rest"}
    managed = {"outputName": "mine", "appManaged": True, "s3Output": rest}
    processing.apply(
        "own",
        ALONE,
        {"framework": None, "source": None, "cluster": {"image": None}, "appSpecification": application},
        {"processingOutputConfig": {"outputs": [out, managed]}, "environment": {"WORD": "at your service"}},
    )
    status = processing.wait_reason("own", *ENDS)

    assert processing.reason("own") == "Completed", status
    assert status["exitMessage"] == "at your service\n"
    found = processing.written(cloud, "own")
    assert (found["out"], found["rest"]) == ({"words.txt": b"from the image\n1000\n"}, {})


def test_inputs_by_a_manifest_are_those_that_it_names(processing: Processing, cloud: Cloud) -> None:
    place = processing.place("named")
    prefix = f"s3://{BUCKET}/digits-parallel/train/"
    body = f'[{{"prefix": "{prefix}"}}, "train-2.csv", "train-3.csv"]'
    cloud.simulator.client("s3").put_object(Bucket=BUCKET, Key=f"{place}/manifest.json", Body=body.encode())
    named = {"s3Uri": f"s3://{BUCKET}/{place}/manifest.json", "s3DataType": "ManifestFile"}
    processing.apply("named", {"processingInputs": [{"inputName": "digits", "s3Input": named}]}, ALONE)
    processing.wait_reason("named", *ENDS)

    assert processing.reason("named") == "Completed"
    assert sorted(processing.written(cloud, "named")["out"]) == ["train-2.csv", "train-3.csv"]


def own_image() -> Image:
    """An image that processes by itself, as a user who is not root, and has files below /opt/ml/processing."""
    base = training_image()
    own = files({"/opt/ml/processing/lib/words.txt": "from the image\n", "/usr/local/bin/process": OWN})
    return Image(
        name="localhost/own-processing:1",
        layers=(*base.layers, own),
        environment=base.environment,
        entrypoint=("/usr/local/bin/process",),
        user="1000:1000",
    )


def on_both(processing: Processing, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """Run the job on the cluster and on SageMaker; the statuses with which they end."""
    for name, target in BOTH:
        processing.apply(name, target, *changes)
    return [processing.wait_reason(name, *ENDS) for name, _ in BOTH]


def in_order(by_host: dict[str, bytes]) -> list[bytes]:
    return [by_host[host] for host in sorted(by_host)]


def comparable(status: dict[str, Any]) -> dict[str, Any]:
    """A status without what has to differ."""
    kept = {key: value for key, value in status.items() if key not in TIMES | NAMES | ONLY_SAGEMAKER | DIFFERENT}
    kept["conditions"] = [(one["type"], one["status"], one["reason"]) for one in status["conditions"]]
    kept["attempts"] = [(one["number"], one["status"], one.get("reason")) for one in status["attempts"]]
    outputs = status["processingOutputConfig"]["outputs"]
    kept["outputs"] = [each | {"s3Output": each["s3Output"] | {"s3Uri": ""}} for each in outputs]
    return kept
