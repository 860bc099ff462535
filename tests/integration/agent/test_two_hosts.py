"""Several hosts leave one model: S3 is the only way between them."""

import logging
import tarfile
from dataclasses import replace
from typing import Any

import pytest
from support.pod_agent import HastyClock

RESOURCES = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}
TRAINS = """
import os, pathlib
me = pathlib.Path.cwd().parent.name
pathlib.Path("model", "rank-" + me).write_text(me)
pathlib.Path("model/both").write_text(me)
pathlib.Path("output/data", me).write_text("report of " + me)
"""
WAITS = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.02)\n" + TRAINS


def start(pods: list[Any], bucket: Any, *, script: str = TRAINS, **members: Any) -> None:
    for pod in pods:
        pod.job(bucket.request(ResourceConfig=RESOURCES), **members)
        assert pod.prepare() == 0
        pod.train(script)


def test_the_first_host_merges_all_parts(pods: list[Any], bucket: Any) -> None:
    start(pods, bucket)
    pods[0].accompany()
    code, message = pods[1].accompany().end()
    assert (code, message["stopped"], "model" in message) == (0, "", False)
    code, message = pods[0].end()
    assert code == 0
    assert bucket.archive(message["model"]) == {"rank-0": "0", "rank-1": "1", "both": "0"}
    output = f"s3://{bucket.name}/out/digits-1/output/output.tar.gz"
    assert bucket.archive(output) == {"0": "report of 0", "1": "report of 1"}
    assert bucket.keys("out/") == ["out/digits-1/output/model.tar.gz", "out/digits-1/output/output.tar.gz"]


def test_links_and_large_files_survive_the_merge(pods: list[Any], bucket: Any) -> None:
    script = """
    import os, pathlib
    me = pathlib.Path.cwd().parent.name
    pathlib.Path("model/a").write_text("of " + me)
    os.link("model/a", "model/hard-" + me)
    os.symlink("a", "model/soft-" + me)
    pathlib.Path("model/deep").mkdir()
    pathlib.Path("model/deep", me).write_bytes(os.urandom(10 << 20))
    """
    start(pods, bucket, script=script)
    for pod in pods:
        pod.accompany()
    assert [pod.end()[0] for pod in pods] == [0, 0]
    content = bucket.get("out/digits-1/output/model.tar.gz")
    archive = pods[0].root / "model.tar.gz"
    archive.write_bytes(content)
    with tarfile.open(archive) as tar:
        tar.extractall(pods[0].root / "model", filter="data")
    model = pods[0].root / "model"
    texts = {name: (model / name).read_text() for name in ("a", "hard-0", "hard-1", "soft-0", "soft-1")}
    assert texts == {"a": "of 0", "hard-0": "of 0", "hard-1": "of 1", "soft-0": "of 0", "soft-1": "of 0"}
    for pod in pods:
        name = f"deep/{pod.rank}"
        assert (model / name).read_bytes() == pod.ml(f"model/{name}").read_bytes()


def test_a_host_that_trains_longer_is_waited_for(pods: list[Any], bucket: Any) -> None:
    fast, slow = pods
    for pod in pods:
        pod.job(bucket.request(ResourceConfig=RESOURCES), uploadSeconds=100)
        pod.prepare()
    fast.train(TRAINS)
    slow.train(WAITS)
    for pod in pods:
        pod.accompany()
    # For longer than a host may be silent, by the agents' clocks.
    slow.clock.sleep(130)
    assert bucket.keys("out/") == ["out/digits-1/output/.parts/digits-1-1/alive"]
    slow.ml("go").touch()
    assert [pod.end()[0] for pod in pods] == [0, 0]
    assert "rank-1" in bucket.archive(fast.message()["model"])


def test_a_host_that_never_delivers_is_named(pods: list[Any], bucket: Any) -> None:
    start(pods, bucket, uploadSeconds=30)
    code, message = pods[0].accompany().end()
    assert code == 1
    assert message["failureReason"].startswith("InternalServerError: We encountered an internal error.")
    assert "the host digits-1-1 has not delivered its part of the model" in message["failureReason"]
    assert "model" not in message
    assert bucket.keys("out/") == []


def test_a_host_whose_pod_ends_does_not_wait_for_long(
    pods: list[Any], bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    start(pods, bucket, stopGraceSeconds=10)
    pods[0].accompany()
    while "Waiting for the parts of digits-1-1" not in caplog.text:
        assert not pods[0]._result
    pods[0].termination.request()
    code, message = pods[0].end()
    assert (code, message["stopped"]) == (1, "")
    assert message["failureReason"].endswith(
        "Data upload failed: the pod was ended before the host digits-1-1 had delivered its part of the model"
    )


def test_nobody_is_waited_for_once_the_script_has_failed(pods: list[Any], bucket: Any) -> None:
    start(pods, bucket, script=TRAINS + "pathlib.Path('output/failure').write_text('diverged')\nraise SystemExit(1)")
    code, message = pods[0].accompany().end()
    assert (code, message["failure"]) == (0, "diverged")
    assert bucket.archive(message["model"]) == {"rank-0": "0", "both": "0"}


def test_without_any_model_there_is_none(pods: list[Any], bucket: Any) -> None:
    start(pods, bucket, script="")
    for pod in pods:
        pod.accompany()
    ends = [pod.end() for pod in pods]
    assert [(code, "model" in message) for code, message in ends] == [(0, False), (0, False)]
    assert bucket.keys("out/") == []


def test_uncompressed_each_host_uploads_its_own(pods: list[Any], bucket: Any) -> None:
    output = {"S3OutputPath": f"s3://{bucket.name}/out", "CompressionType": "NONE"}
    for pod in pods:
        pod.job(bucket.request(ResourceConfig=RESOURCES, OutputDataConfig=output))
        pod.prepare()
        pod.train(TRAINS)
    messages = [pod.accompany().end()[1] for pod in pods]
    prefix = "out/digits-1/output"
    assert messages[0]["model"] == f"s3://{bucket.name}/{prefix}/model/"
    assert "model" not in messages[1]
    assert {f"{prefix}/model/rank-0", f"{prefix}/model/rank-1"} < set(bucket.keys("out/"))


PARTS = "out/digits-1/output/.parts"


def test_what_there_is_of_a_part_of_an_earlier_run_is_gone_when_its_host_begins_again(
    pods: list[Any], bucket: Any
) -> None:
    for name in ("digits-1-1/alive", "digits-1-1/model.tar.gz", "digits-1-10/model.tar.gz"):
        bucket.put(f"{PARTS}/{name}", "")
    start(pods, bucket)
    assert bucket.keys("out/") == [f"{PARTS}/digits-1-10/model.tar.gz"]


def test_a_host_that_is_run_again_by_mistake_leaves_the_part_that_it_has_delivered(
    pods: list[Any], bucket: Any
) -> None:
    """A busy Job controller makes a pod of a rank that has succeeded, and ends it when it hears of that."""
    start(pods, bucket)
    assert pods[1].accompany().end()[0] == 0
    delivered = bucket.get(f"{PARTS}/digits-1-1/model.tar.gz")

    again = anew(pods[1])
    again.job(bucket.request(ResourceConfig=RESOURCES))
    assert again.prepare() == 0
    again.train(WAITS)
    again.accompany()
    again.termination.request()
    again.started[-1].terminate()  # by the kubelet
    assert again.end()[0] == 143
    assert bucket.get(f"{PARTS}/digits-1-1/model.tar.gz") == delivered

    code, message = pods[0].accompany().end()
    assert code == 0
    assert bucket.archive(message["model"]) == {"rank-0": "0", "rank-1": "1", "both": "0"}


@pytest.mark.parametrize("script", [WAITS, TRAINS])
def test_a_first_host_that_is_run_again_by_mistake_leaves_the_model(pods: list[Any], bucket: Any, script: str) -> None:
    start(pods, bucket)
    for pod in pods:
        pod.accompany()
    assert [pod.end()[0] for pod in pods] == [0, 0]
    model, output = (bucket.get(f"out/digits-1/output/{name}.tar.gz") for name in ("model", "output"))

    again = anew(pods[0])
    again.job(bucket.request(ResourceConfig=RESOURCES), stopGraceSeconds=10)
    assert again.prepare() == 0
    again.train(script)
    again.accompany()
    again.termination.request()
    again.started[-1].terminate()  # by the kubelet
    assert again.end()[0] != 0

    found = [bucket.get(f"out/digits-1/output/{name}.tar.gz") for name in ("model", "output")]
    assert found == [model, output]
    assert len(bucket.keys("out/")) == 2


def anew(pod: Any) -> Any:
    """Another pod of the same rank."""
    root = pod.root.with_name(f"{pod.root.name}-again")
    return replace(pod, root=root, clock=HastyClock(), _result=[], _thread=None)


def test_a_preempted_first_host_does_not_merge_parts_of_its_earlier_run(pods: list[Any], bucket: Any) -> None:
    """As when Kueue gives a Job room again: the host that has delivered has succeeded, and does not come back."""
    start(pods, bucket, uploadSeconds=30, stopGraceSeconds=10, script=WAITS)
    pods[1].ml("go").touch()
    assert pods[1].accompany().end()[0] == 0
    pods[0].accompany()
    pods[0].termination.request()
    pods[0].started[0].terminate()  # by the kubelet
    assert pods[0].end()[0] == 143

    again = anew(pods[0])
    again.job(bucket.request(ResourceConfig=RESOURCES), uploadSeconds=30)
    assert again.prepare() == 0
    again.train(TRAINS)
    code, message = again.accompany().end()
    assert (code, "model" in message) == (1, False)
    assert "the host digits-1-1 has not delivered its part of the model" in message["failureReason"]
