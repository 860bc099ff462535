"""What a transform's agent makes of its objects: a real S3 (moto, over HTTP), and a real model server of the pod."""

import json

import pytest

from .transforms import Host, Served


def test_every_object_gets_its_output(host: Host, served: Served) -> None:
    host.bucket.put("in/a.csv", "one")
    host.bucket.put("in/deep/b.csv", "two")

    code, message = host.run(host.request(input={"ContentType": "text/csv"}, output={"Accept": "text/plain"}))

    assert (code, message["transformed"], message["stopped"]) == (0, 2, "")
    assert host.outputs() == {"out/a.csv.out": b"ONE", "out/deep/b.csv.out": b"TWO"}
    assert served.requests == [(b"one", "text/csv", "text/plain"), (b"two", "text/csv", "text/plain")]
    assert message["transformStartTime"] <= message["transformEndTime"]


def test_pods_share_the_objects(host: Host) -> None:
    for name in "abcde":
        host.bucket.put(f"in/{name}", name)

    request = host.request(count=2)
    assert host.run(request, index=1)[1]["transformed"] == 2
    assert sorted(host.outputs()) == ["out/b.out", "out/d.out"]
    assert host.run(request, index=0)[1]["transformed"] == 3
    assert sorted(host.outputs()) == [f"out/{name}.out" for name in "abcde"]


def test_a_pod_that_does_not_know_its_share_takes_none(host: Host) -> None:
    host.bucket.put("in/a", "a")

    code, message = host.run(host.request(count=2), index=None)

    assert (code, message["transformed"], host.outputs()) == (1, 0, {})
    assert "JOB_COMPLETION_INDEX must be a number from 0 to 1" in message["failureReason"]


@pytest.mark.parametrize(
    ("reason", "before", "outputs"),
    [
        ("all were there", "2999-01-01T00:00:00Z", ["out/a.out"]),
        ("a pod that begins later than others finds more, and leaves it", "2000-01-01T00:00:00Z", []),
    ],
)
def test_objects_that_come_later_are_none_of_the_jobs(host: Host, reason: str, before: str, outputs: list[str]) -> None:
    host.bucket.put("in/a", "a")
    _, message = host.run(host.request(), before=before)
    assert list(host.outputs()) == outputs, reason
    assert ("No S3 objects found" in message.get("failureReason", "")) is (not outputs), reason


def test_a_pod_tells_which_objects_it_has_found(host: Host) -> None:
    """By that the operator learns that two have taken shares of different lists."""
    for name in "ab":
        host.bucket.put(f"in/{name}", name)
    request = host.request(count=2)
    first, second = (host.run(request, index=index)[1]["inputs"] for index in (0, 1))
    assert first == second
    host.bucket.put("in/aa", "aa")
    assert host.run(request, index=1)[1]["inputs"] != first


def test_outputs_are_no_inputs_even_if_they_lie_beside_them(host: Host) -> None:
    for name in "ab":
        host.bucket.put(f"in/{name}", name)
    request = host.request(count=2, output={"S3OutputPath": f"s3://{host.bucket.name}/in"})
    assert host.run(request, index=0)[1]["transformed"] == 1
    assert host.run(request, index=1)[1]["transformed"] == 1
    assert sorted(host.bucket.keys("in/")) == ["in/a", "in/a.out", "in/b", "in/b.out"]
    assert host.bucket.get("in/b.out") == b"B"


def test_a_pod_without_a_share_does_not_wait_for_its_server(host: Host, served: Served) -> None:
    host.bucket.put("in/a", "a")
    served.is_healthy = False
    code, message = host.run(host.request(count=3), index=2)
    assert (code, message["transformed"]) == (0, 0)


def test_records_are_split_batched_joined_and_assembled(host: Host, served: Served) -> None:
    host.bucket.put("in/a.csv", "1,2\n3,4\n")
    served.answer = lambda body: (200, b"\n".join(b"9" for _ in body.split(b"\n")))
    processing = {"InputFilter": "$[0]", "JoinSource": "Input"}
    types = {"SplitType": "Line", "ContentType": "text/csv"}

    host.run(
        host.request(input=types, output={"Accept": "text/csv", "AssembleWith": "Line"}, DataProcessing=processing)
    )

    assert [body for body, _, _ in served.requests] == [b"1\n3"]
    assert host.outputs() == {"out/a.csv.out": b"1,2,9\n3,4,9\n"}


def test_the_request_wins_over_what_the_container_prefers(host: Host, served: Served) -> None:
    host.bucket.put("in/a", "1\n2\n3")
    served.preferences = {"BatchStrategy": "SINGLE_RECORD", "MaxConcurrentTransforms": 2, "MaxPayloadInMB": 1}
    lines = {"SplitType": "Line"}

    host.run(host.request(input=lines))
    assert sorted(body for body, _, _ in served.requests) == [b"1", b"2", b"3"]
    served.requests.clear()
    host.run(host.request(input=lines, BatchStrategy="MultiRecord"))
    assert [body for body, _, _ in served.requests] == [b"1\n2\n3"]


def test_a_manifest(host: Host) -> None:
    host.bucket.put("in/b", "x")
    uri = host.bucket.put("list.json", json.dumps([{"prefix": f"s3://{host.bucket.name}/in/"}, "b"]))
    host.run(host.request(source={"S3DataType": "ManifestFile", "S3Uri": uri}))
    assert host.outputs() == {"out/b.out": b"X"}


@pytest.mark.parametrize(("count", "name"), [(1, "digits-1"), (2, "digits-1-1")])
def test_captured_data_of_several_pods_has_several_manifests(host: Host, count: int, name: str) -> None:
    for key in "ab":
        host.bucket.put(f"in/{key}", key)
    capture = {"DestinationS3Uri": f"s3://{host.bucket.name}/captured"}
    host.run(host.request(count=count, DataCaptureConfig=capture), index=count - 1)
    kept = host.bucket.keys("captured/")
    assert [key.rpartition("/")[2] for key in kept] == [f"{name}.jsonl"] * 2
    assert json.loads(host.bucket.get(kept[1]))[1:] == [f"{key}.out" for key in ("ab" if count == 1 else "b")]
