"""What goes wrong with processing jobs on the cluster, made to happen on a real node: how they end."""

from __future__ import annotations

from node.operator import Cloud, Installation
from node.processing import ALONE, ENDS, Processing

GREEDY = "held = bytearray()\nwhile True:\n    held += b'x' * (64 << 20)\n"
BULKY = """
import time
with open("/opt/ml/processing/output/out/bulk", "wb") as file:
    for _ in range(12):
        file.write(bytes(100 << 20))
        file.flush()
time.sleep(3600)
"""
OTHER_LETTERS = 'open("/opt/ml/output/message", "wb").write(bytes([255, 254]))'


def test_too_much_memory_is_called_so(processing: Processing) -> None:
    processing.put_code(GREEDY)
    processing.apply("greedy", ALONE)
    status = processing.wait_reason("greedy", *ENDS)

    assert processing.reason("greedy") == "JobFailed"
    assert "OutOfMemory" in status["failureReason"]


def test_a_full_disk_is_called_so(processing: Processing) -> None:
    processing.put_code(BULKY)
    processing.apply("bulky", ALONE, {"processingResources": {"clusterConfig": {"volumeSizeInGB": 1}}})
    status = processing.wait_reason("bulky", *ENDS)

    assert status["failureReason"].startswith("ClientError:")
    assert "volumeSizeInGB" in status["failureReason"]


def test_a_place_that_can_not_be_written_to_is_told_before_the_script_begins(processing: Processing) -> None:
    lost = {"outputName": "out", "s3Output": {"s3Uri": "s3://no-such-bucket/out"}}
    processing.apply("lost", ALONE, {"processingOutputConfig": {"outputs": [lost]}})
    status = processing.wait_reason("lost", *ENDS)

    assert status["failureReason"].startswith("ClientError: Data upload failed")
    assert "no-such-bucket" in status["failureReason"]


def test_a_message_of_other_letters_fails_the_job(processing: Processing) -> None:
    processing.put_code(OTHER_LETTERS)
    processing.apply("unreadable", ALONE)
    status = processing.wait_reason("unreadable", *ENDS)

    assert status["failureReason"].startswith("ClientError: The content of /opt/ml/output/message is not UTF-8 encoded")
    assert "exitMessage" not in status


def test_outputs_wait_for_s3_and_are_not_lost(processing: Processing, cloud: Cloud) -> None:
    processing.begin("patient")

    cloud.cut_off()
    try:
        processing.end_script()
        processing.node.wait_for("the agent tries", lambda: "again" in processing.logs("patient"))
    finally:
        cloud.connect()
    processing.wait_reason("patient", *ENDS)

    assert processing.reason("patient") == "Completed"
    assert processing.written(cloud, "patient")["out"] == {"result.txt": b"all of it"}


def test_a_killed_agent_is_no_fault_of_the_script(processing: Processing) -> None:
    processing.begin("orphan")

    processing.node.run("pkill", "-KILL", "-f", "sagebridge.agent accompany-processing")
    status = processing.wait_reason("orphan", *ENDS)

    assert status["failureReason"].startswith("InternalServerError:")
    assert "The container agent of pod" in status["failureReason"]


def test_a_pod_that_somebody_deletes_fails_the_job(processing: Processing) -> None:
    processing.begin("victim")
    [pod] = processing.pods()
    victim = pod["metadata"]["name"]

    processing.kubectl("delete", "pod", victim, "--wait=false")
    status = processing.wait_reason("victim", *ENDS)

    assert processing.reason("victim") == "JobFailed"
    assert victim in status["failureReason"]
    assert len(status["attempts"]) == 1


def test_a_reclaimed_node_is_a_new_attempt_that_uses_up_no_retry(processing: Processing) -> None:
    processing.begin("spot")

    processing.node.add_taint("reclaimed", effect="NoExecute")
    try:
        status = processing.wait("spot", lambda status: len(status["attempts"]) == 2, what="a second attempt")
    finally:
        processing.node.remove_taint("reclaimed", effect="NoExecute")

    assert status["attempts"][0]["reason"] == "Interrupted"
    processing.wait_begun("spot")
    processing.end_script()
    processing.wait_reason("spot", *ENDS)
    assert processing.reason("spot") == "Completed"


def test_an_operator_that_is_away_misses_nothing(processing: Processing, cloud: Cloud, operator: Installation) -> None:
    processing.begin("unwatched")

    operator.scale(0)
    try:
        processing.end_script()
        processing.node.wait_for("its script has ended", lambda: processing.has_ended("unwatched"))
    finally:
        operator.scale(1)
    status = processing.wait_reason("unwatched", *ENDS)

    assert processing.reason("unwatched") == "Completed"
    assert len(status["attempts"]) == 1
    assert status["exitMessage"] == "ended when told to"
    assert processing.written(cloud, "unwatched")["out"] == {"result.txt": b"all of it"}
