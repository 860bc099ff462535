"""``sagebridge logs`` against a real CloudWatch Logs interface over HTTP."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sagebridge.cli.log_streams import JobLogs
from sagebridge.cli.logs import LogsError, app, stream_lines
from sagebridge.core.job import Job
from sagebridge.core.logs.lines import Excerpt
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "logs",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    server.stop()


@pytest.fixture
def group(client: Any) -> str:
    name = f"/test/{secrets.token_hex(4)}"
    client.create_log_group(logGroupName=name)
    return name


@pytest.fixture
def put(client: Any, group: str) -> Callable[..., None]:
    made: set[str] = set()
    times = itertools.count(int(time.time() * 1000) - 60_000)  # the service takes no old events

    def put(stream: str, *lines: str) -> None:
        if stream not in made:
            client.create_log_stream(logGroupName=group, logStreamName=stream)
            made.add(stream)
        events = [{"timestamp": next(times), "message": line} for line in lines]
        for start in range(0, len(events), 5000):
            client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[start : start + 5000])

    return put


def texts(reader: JobLogs) -> list[str]:
    return [line.text for line in reader.new_lines()]


def test_no_log_yet(client: Any, group: str) -> None:
    assert texts(JobLogs(client, group="/no/such/group", prefix="digits/")) == []
    assert texts(JobLogs(client, group=group, prefix="digits/")) == []


def test_each_line_comes_once_in_order_of_time(client: Any, group: str, put: Callable[..., None]) -> None:
    reader = JobLogs(client, group=group, prefix="digits/")
    put("digits/algo-1-1", "a")
    put("digits/algo-2-1", "b")
    put("digits/algo-1-1", "c")
    assert texts(reader) == ["a", "b", "c"]
    assert texts(reader) == []
    put("digits/algo-2-1", "d")
    assert texts(reader) == ["d"]


def test_other_jobs_are_left_out(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits-failing/algo-1-1", "no")
    put("digits/algo-1-1", "yes")
    assert texts(JobLogs(client, group=group, prefix="digits/")) == ["yes"]


def test_lines_of_an_endpoint_say_which_variant_wrote_them(client: Any, group: str, put: Callable[..., None]) -> None:
    put("current/i-1", "a")
    put("next/i-2", "b")
    lines = JobLogs(client, group=group, prefix="").new_lines()
    assert [(line.label, line.text) for line in lines] == [("current/i-1", "a"), ("next/i-2", "b")]


def test_lines_of_a_job_need_no_label(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "a")
    [line] = JobLogs(client, group=group, prefix="digits/").new_lines()
    assert line.label == ""


def test_lines_of_a_search_say_which_trial_wrote_them(client: Any, group: str, put: Callable[..., None]) -> None:
    put("churn-001-0f3c9a21/algo-1-1", "a")
    put("churn-002-bd5e7710/algo-1-1", "b")
    lines = JobLogs(client, group=group, prefix="churn-").new_lines()
    assert [(line.label, line.text) for line in lines] == [("churn-001-0f3c9a21", "a"), ("churn-002-bd5e7710", "b")]


@pytest.fixture
def applied(
    client: Any, group: str, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """What kubectl answers, and where AWS is."""
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/sh\ncat {tmp_path}/object\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", client.meta.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def apply(kind: str, prefix: str = "", **status: Any) -> None:
        status |= {"region": "us-east-1", "logs": {"groupName": group, "streamPrefix": prefix}}
        (tmp_path / "object").write_text(json.dumps({"kind": kind, "metadata": {"name": "s"}, "status": status}))

    return apply


@pytest.mark.parametrize(
    ("kind", "prefix", "want"),
    [("TrainingJob", "s/", "hello\n"), ("Endpoint", "", "[s/i-1] hello\n")],
    ids=["a job", "an endpoint"],
)
def test_what_is_printed(
    put: Callable[..., None], applied: Callable[..., None], kind: str, prefix: str, want: str
) -> None:
    put("s/i-1", "hello")
    applied(kind, prefix)
    result = CliRunner().invoke(app, [f"{kind}/s"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, want, "")
    put("s/i-1", "again")
    newest = CliRunner().invoke(app, [f"{kind}/s", "--tail", "1", "--since", "1h"])
    assert newest.stdout == want.replace("hello", "again")
    none = CliRunner().invoke(app, [f"{kind}/s", "--since", "1ms"])
    assert (none.exit_code, none.stdout) == (0, "")
    assert none.stderr.startswith("s: nothing printed in the last 1ms")


@pytest.mark.parametrize(
    ("reason", "kind", "options", "want"),
    [
        (
            "an endpoint that was asked for its health alone",
            "Endpoint",
            ["--tail", "20"],
            "s: nothing printed yet (health checks are hidden: --pings).\n",
        ),
        (
            "a model that is being loaded",
            "Endpoint",
            ["--pings", "--since", "1ms"],
            "s: nothing printed in the last 1ms.\n",
        ),
        (
            "a job is not asked for its health",
            "TrainingJob",
            ["--since", "1ms"],
            "s: nothing printed in the last 1ms.\n",
        ),
        ("nobody wants a line", "Endpoint", ["--tail", "0"], ""),
    ],
)
def test_nothing_is_not_passed_over_in_silence(
    put: Callable[..., None], applied: Callable[..., None], reason: str, kind: str, options: list[str], want: str
) -> None:
    put("s/i-1", ACCESS_LOG[0])
    applied(kind)
    result = CliRunner().invoke(app, [f"{kind}/s", *options])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", want), reason


def test_a_job_that_is_over_will_not_print_any_more(put: Callable[..., None], applied: Callable[..., None]) -> None:
    put("s/i-1")
    applied("TrainingJob", "s/", conditions=[{"type": "Complete", "status": "True", "reason": "C", "message": "m"}])
    result = CliRunner().invoke(app, ["s"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "s: nothing printed.\n")


def test_an_object_that_is_not_ready_says_why(put: Callable[..., None], applied: Callable[..., None]) -> None:
    put("s/i-1")
    message = "The image can't be pulled."
    applied("Endpoint", conditions=[{"type": "Ready", "status": "False", "reason": "R", "message": message}])
    result = CliRunner().invoke(app, ["smep/s", "--pings"])
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"s: nothing printed yet. {message}\n")


def test_more_lines_than_one_reply_holds(client: Any, group: str, put: Callable[..., None]) -> None:
    lines = [f"epoch={number}" for number in range(10_500)]
    put("digits/algo-1-1", *lines)
    assert texts(JobLogs(client, group=group, prefix="digits/")) == lines


def test_a_script_can_not_steer_the_terminal(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "\x1b[31mloss\x1b[0m=1\t\x1b]0;title\x07 caf\u00e9\x08\x9b2J\n")
    assert texts(JobLogs(client, group=group, prefix="digits/")) == ["loss=1\t]0;title caf\u00e92J"]


def job(group: str = "", *, over: bool = False) -> Job:
    condition = {"type": "Complete", "status": str(over), "reason": "Completed", "message": "m"}
    ready = {"type": "Ready", "status": "False", "reason": "Throttled", "message": "AWS throttles us."}
    logs = {"logs": {"groupName": group, "streamPrefix": "digits/"}} if group else {}
    return Job.parse({"metadata": {"name": "digits"}, "status": {"conditions": [condition, ready], **logs}})


def test_following_ends_with_the_job_and_its_last_lines(client: Any, group: str, put: Callable[..., None]) -> None:
    states = iter([job(), job(group), job(group, over=True), job(group, over=True)])
    meanwhile = iter(["first", "second", "late"])

    def pause() -> None:
        put("digits/algo-1-1", next(meanwhile))

    lines = stream_lines(lambda: next(states), client=lambda _: client, follow=True, pause=pause)
    assert [line.text for line in lines] == ["first", "second", "late"]


def test_without_following_what_is_there_is_shown(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "first")
    lines = stream_lines(lambda: job(group), client=lambda _: client, follow=False, pause=lambda: None)
    assert [line.text for line in lines] == ["first"]


def test_only_the_last_lines_of_all_streams(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "a", "b")
    put("digits/algo-2-1", "c")
    put("digits/algo-1-1", "d")
    reader = JobLogs(client, group=group, prefix="digits/", excerpt=Excerpt(tail=3))
    assert texts(reader) == ["b", "c", "d"]
    put("digits/algo-2-1", "e", "f")
    put("digits/algo-3-1", "g", "h", "i", "j")
    assert texts(reader) == ["e", "f", "g", "h", "i", "j"], "what comes later is not cut"


def test_no_line_of_the_past(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "a", "b")
    reader = JobLogs(client, group=group, prefix="digits/", excerpt=Excerpt(tail=0))
    assert texts(reader) == []
    put("digits/algo-1-1", "c")
    assert texts(reader) == ["c"]


def test_a_stream_that_was_empty_at_first(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1")
    reader = JobLogs(client, group=group, prefix="digits/", excerpt=Excerpt(tail=5))
    assert texts(reader) == []
    put("digits/algo-1-1", "a", "b")
    assert texts(reader) == ["a", "b"]


def test_only_what_is_newer(client: Any, group: str, put: Callable[..., None]) -> None:
    put("digits/algo-1-1", "a", "b", "c")
    since = JobLogs(client, group=group, prefix="digits/").new_lines()[1].timestamp
    reader = JobLogs(client, group=group, prefix="digits/", excerpt=Excerpt(since=since))
    assert texts(reader) == ["b", "c"]
    put("digits/algo-1-1", "d")
    assert texts(reader) == ["d"]


ACCESS_LOG = [
    '10.32.0.2 - - [11/Nov/2026:21:16:04 +0000] "GET /ping HTTP/1.1" 200 0 "-" "AHC/2.0"',
    "loaded",
    '2026-11-11T21:16:09 [INFO ] pool-1 ACCESS_LOG - /169.254.178.2:43488 "GET /ping HTTP/1.1" 200 1',
    'INFO:     10.0.0.1:1234 - "GET /ping HTTP/1.1" 200 OK',
    '10.32.0.2 - - [11/Nov/2026:21:16:14 +0000] "GET /ping HTTP/1.1" 502 0 "-" "AHC/2.0"',
    '10.32.0.2 - - [11/Nov/2026:21:16:19 +0000] "POST /invocations HTTP/1.1" 200 12 "-" "AHC/2.0"',
]


@pytest.mark.parametrize(
    ("excerpt", "want"),
    [
        (Excerpt(pings=False), [ACCESS_LOG[1], ACCESS_LOG[4], ACCESS_LOG[5]]),
        (Excerpt(pings=False, tail=2), ACCESS_LOG[4:]),
        (Excerpt(pings=True), ACCESS_LOG),
        (Excerpt(pings=True, tail=4), ACCESS_LOG[2:]),
    ],
    ids=["left out", "not counted", "asked for", "asked for, and counted"],
)
def test_answered_health_checks(
    client: Any, group: str, put: Callable[..., None], excerpt: Excerpt, want: list[str]
) -> None:
    put("a/i-1", *ACCESS_LOG)
    assert texts(JobLogs(client, group=group, prefix="", excerpt=excerpt)) == want


def test_lines_behind_more_health_checks_than_one_reply_holds(
    client: Any, group: str, put: Callable[..., None]
) -> None:
    put("a/i-1", "first", "second", *([ACCESS_LOG[0]] * 10_500))
    reader = JobLogs(client, group=group, prefix="", excerpt=Excerpt(pings=False, tail=1))
    assert texts(reader) == ["second"]
    put("a/i-1", "third")
    assert texts(reader) == ["third"]


def test_a_second_attempt_is_shown_from_its_first_line(client: Any, group: str, put: Callable[..., None]) -> None:
    def attempt(prefix: str, *, over: bool = False) -> Job:
        made = job(group, over=over)
        made.status["logs"]["streamPrefix"] = prefix
        return made

    put("digits/algo-1-1", "a", "b")
    put("digits-2/algo-1-1", "c", "d")
    states = iter([attempt("digits/"), attempt("digits-2/", over=True), attempt("digits-2/", over=True)])
    lines = stream_lines(
        lambda: next(states), client=lambda _: client, follow=True, pause=lambda: None, excerpt=Excerpt(tail=1)
    )
    assert [line.text for line in lines] == ["b", "c", "d"]


def test_a_job_without_a_log_says_why(client: Any) -> None:
    with pytest.raises(LogsError, match=r"digits has no log yet: AWS throttles us\."):
        list(stream_lines(job, client=lambda _: client, follow=False, pause=lambda: None))


def test_a_length_of_time_that_is_none_is_refused() -> None:
    result = CliRunner().invoke(app, ["digits", "--since", "yesterday"])
    assert result.exit_code == 2
    assert "'yesterday' is not a duration such as 5s, 2m or 3h" in " ".join(result.stderr.replace("│", "").split())
