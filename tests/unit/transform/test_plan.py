"""Whole objects through the data plane, against a model that is a function."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sagebridge.runtime.transform.assembling import assemble, capture_key, capture_manifest, output_name
from sagebridge.runtime.transform.jsonpath import JsonPathError
from sagebridge.runtime.transform.plan import TransformPlan, check
from sagebridge.runtime.transform.processing import ProcessingError
from sagebridge.runtime.transform.splitting import InputError

Model = Callable[[bytes], bytes]


def request(*, data: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    given = {"ContentType": "text/csv", "SplitType": "Line"} | members.pop("source", {})
    return {
        "TransformInput": given,
        "TransformOutput": {"S3OutputPath": "s3://b/out"} | members.pop("target", {}),
        **({"DataProcessing": data} if data else {}),
        **members,
    }


def stamp() -> tuple[str, str]:
    return "id-1", "2026-01-02T03:04:05Z"


def run(asked: dict[str, Any], body: bytes, model: Model, content_type: str | None = None) -> bytes:
    plan = TransformPlan.of(asked, stamp=stamp)
    return plan.assemble(
        [plan.conclude(piece, model(piece.body), content_type=content_type) for piece in plan.pieces(body)]
    )


def add_columns(body: bytes) -> bytes:
    """A model for CSV: the sum of each row."""
    return b"\n".join(str(sum(map(float, row.split(b",")))).encode() for row in body.splitlines())


def count_members(body: bytes) -> bytes:
    """A model for JSON Lines: how many members each line has."""
    return b"\n".join(json.dumps({"n": len(json.loads(line))}).encode() for line in body.splitlines())


JSON_LINES = {"source": {"ContentType": "application/jsonlines"}, "target": {"Accept": "application/jsonlines"}}
JSON_WHOLE = {"source": {"ContentType": "application/json", "SplitType": "None"}}
LINES = {"AssembleWith": "Line"}


@pytest.mark.parametrize(
    ("reason", "asked", "body", "model", "want"),
    [
        ("predictions as they come", request(), b"1,2\n3,4\n", add_columns, b"3.0\n7.0"),
        ("a newline after each", request(target=LINES), b"1,2\n3,4\n", add_columns, b"3.0\n7.0\n"),
        (
            "requests one by one are put together without anything between",
            request(BatchStrategy="SingleRecord"),
            b"1,2\n3,4\n",
            add_columns,
            b"3.07.0",
        ),
        (
            "and with lines",
            request(BatchStrategy="SingleRecord", target=LINES),
            b"1,2\n3,4\n",
            add_columns,
            b"3.0\n7.0\n",
        ),
        ("without an id column", request(data={"InputFilter": "$[1:]"}), b"9,1,2\n", add_columns, b"3.0"),
        (
            "joined to its row",
            request(data={"JoinSource": "Input"}, target=LINES),
            b"1,2\n3,4\n",
            add_columns,
            b"1,2,3.0\n3,4,7.0\n",
        ),
        (
            "the id and the prediction only",
            request(data={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}, target=LINES),
            b"9,1,2\n8,3,4\n",
            add_columns,
            b"9,3.0\n8,7.0\n",
        ),
        (
            "cells that need quotes keep them",
            request(data={"InputFilter": "$[1:]", "JoinSource": "Input"}, target=LINES),
            b'"a,b",1,2\n',
            add_columns,
            b'"a,b",1,2,3.0\n',
        ),
        (
            "a line of JSON gets an attribute",
            request(data={"JoinSource": "Input"}, **JSON_LINES),
            b'{"a": 1}\n{"a": 1, "b": 2}\n',
            count_members,
            b'{"a": 1, "SageMakerOutput": {"n": 1}}\n{"a": 1, "b": 2, "SageMakerOutput": {"n": 2}}\n',
        ),
        (
            "what is no object is put into one",
            request(data={"JoinSource": "Input"}, **JSON_LINES),
            b"[1, 2]\n",
            count_members,
            b'{"SageMakerInput": [1, 2], "SageMakerOutput": {"n": 2}}\n',
        ),
        (
            "some attributes only",
            request(data={"JoinSource": "Input", "OutputFilter": "$['a','SageMakerOutput']"}, **JSON_LINES),
            b'{"a": 1, "b": 2}\n',
            count_members,
            b'{"a": 1, "SageMakerOutput": {"n": 2}}\n',
        ),
        (
            "a JSON object as a whole",
            request(data={"InputFilter": "$.features", "JoinSource": "Input"}, **JSON_WHOLE),
            b'{"id": 1,\n "features": {"x": 1, "y": 2}}',
            count_members,
            b'{"id": 1, "features": {"x": 1, "y": 2}, "SageMakerOutput": {"n": 2}}',
        ),
        (
            "rows get an id and a time",
            request(DataCaptureConfig={"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True}, target=LINES),
            b"1,2\n",
            add_columns,
            b"3.0,id-1,2026-01-02T03:04:05Z\n",
        ),
        (
            "lines of JSON too",
            request(DataCaptureConfig={"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True}, **JSON_LINES),
            b"{}\n",
            count_members,
            b'{"n": 0, "SageMakerInferenceId": "id-1", "SageMakerInferenceTime": "2026-01-02T03:04:05Z"}\n',
        ),
        (
            "gzip is unpacked first",
            request(source={"CompressionType": "Gzip"}),
            gzip.compress(b"1,2\n", mtime=0),
            add_columns,
            b"3.0",
        ),
        ("an empty object gives an empty one", request(), b"", add_columns, b""),
    ],
)
def test_an_object_is_transformed(reason: str, asked: dict[str, Any], body: bytes, model: Model, want: bytes) -> None:
    assert run(asked, body, model) == want, reason


@pytest.mark.parametrize(
    ("reason", "asked", "body", "model", "message"),
    [
        (
            "fewer predictions than rows",
            request(data={"JoinSource": "Input"}),
            b"1\n2\n",
            lambda _: b"1.0",
            "answered 1 records to 2",
        ),
        (
            "an index outside of the joined row",
            request(data={"JoinSource": "Input", "OutputFilter": "$[7]"}),
            b"1,2\n",
            add_columns,
            "OutputFilter .*index 7",
        ),
        ("a row too short", request(data={"InputFilter": "$[3]"}), b"1,2\n", add_columns, "InputFilter .*index 3"),
        (
            "a format that can't be read",
            request(data={"JoinSource": "Input"}, source={"ContentType": "image/png"}),
            b"1\n",
            add_columns,
            "not image/png",
        ),
        (
            "input and answer differ",
            request(data={"JoinSource": "Input"}, target={"Accept": "application/json"}),
            b"1\n",
            add_columns,
            "must be the same",
        ),
        (
            "no JSON",
            request(data={"JoinSource": "Input"}, **JSON_LINES),
            b"{no\n",
            count_members,
            "not JSON Lines",
        ),
    ],
)
def test_an_object_that_can_not_be_transformed_says_why(
    reason: str, asked: dict[str, Any], body: bytes, model: Model, message: str
) -> None:
    with pytest.raises(ProcessingError, match=message):
        run(asked, body, model)
    assert reason


def test_the_reply_s_type_counts_where_the_job_accepts_anything() -> None:
    asked = request(data={"JoinSource": "Input"})
    with pytest.raises(ProcessingError, match="must be the same"):
        run(asked, b"1\n", add_columns, content_type="application/json")
    assert run(asked, b"1\n", add_columns, content_type="text/csv; charset=utf-8") == b"1,1.0\n"


def test_payloads_have_their_default_limit_and_none_with_zero() -> None:
    body = b"x" * (6 * 1024 * 1024 + 1)
    with pytest.raises(InputError, match="max payload size"):
        run(request(source={"SplitType": "None"}), body, lambda sent: sent)
    streamed = request(source={"SplitType": "None"}, MaxPayloadInMB=0)
    assert run(streamed, body, lambda sent: str(len(sent)).encode()) == str(len(body)).encode()


def test_the_container_learns_what_the_job_asks_for() -> None:
    asked = request(BatchStrategy="SingleRecord", MaxPayloadInMB=2, MaxConcurrentTransforms=4)
    assert TransformPlan.of(asked, stamp=stamp).variables() == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4",
    }


def test_filters_are_checked_before_anything_runs() -> None:
    check(request(data={"InputFilter": "$.a"}))
    with pytest.raises(JsonPathError, match="OutputFilter: 'a' is no JSONPath"):
        check(request(data={"OutputFilter": "a"}))


def test_outputs_and_captures_have_their_names() -> None:
    assert output_name("dataset01/data.csv") == "dataset01/data.csv.out"
    assert assemble([b"a\n", b"b", b""], with_lines=True) == b"a\nb\n\n"
    at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert capture_key(side="input", job_name="job", at=at) == "input/2026/01/02/03/job.jsonl"
    assert json.loads(capture_manifest("s3://b/in/", ["a.csv"])) == [{"prefix": "s3://b/in/"}, "a.csv"]


def test_only_newlines_end_lines() -> None:
    """A text of JSON may hold what Unicode calls the end of a line."""
    asked = request(data={"JoinSource": "Input"}, **JSON_LINES)
    body = '{"text": "one\u2028line"}\n{"text": "an\u0085other"}\r\n'.encode()
    found = run(asked, body, count_members)
    assert [json.loads(line) for line in found.decode().split("\n") if line] == [
        {"text": "one\u2028line", "SageMakerOutput": {"n": 1}},
        {"text": "an\u0085other", "SageMakerOutput": {"n": 1}},
    ]
