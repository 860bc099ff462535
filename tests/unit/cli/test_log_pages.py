"""Reading log streams in the pages that CloudWatch Logs may give, and no oftener than it needs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from sagebridge.cli.log_streams import JobLogs
from sagebridge.core.logs.lines import Excerpt
from support.scripted_logs import ScriptedLogs

A, B, C, D = (1, "a"), (2, "b"), (3, "c"), (4, "d")
HOUR = 3_600_000
TURNS = 30


def reader(logs: ScriptedLogs, *, now: int = 5, **excerpt: Any) -> JobLogs:
    return JobLogs(logs.client, group="g", prefix="", excerpt=Excerpt(**excerpt), now=lambda: now / 1000)


def texts(reader: JobLogs) -> list[str]:
    return [line.text for line in reader.new_lines()]


@pytest.mark.parametrize(
    ("tail", "pages", "want"),
    [
        (2, [[A, B, C], []], ["b", "c"]),
        (2, [[A], [], [B], [], [C], [], []], ["b", "c"]),
        (0, [[A, B, C], []], []),
        (0, [[A], [], [], []], []),
        (0, [[], [A]], []),
        (5, [[], [A, B], [], []], ["a", "b"]),
        (5, [[], [], []], []),
        (0, [[], []], []),
        (0, [], []),
    ],
)
def test_an_empty_page_at_the_end_hides_no_past(tail: int, pages: list[list[tuple[int, str]]], want: list[str]) -> None:
    logs = ScriptedLogs(s=pages)
    followed = reader(logs, tail=tail)
    assert texts(followed) == want
    assert texts(followed) == []
    pages.append([D])
    assert texts(followed) == ["d"]


def test_empty_pages_on_the_way_forward_end_nothing() -> None:
    logs = ScriptedLogs(s=[[], [A], [], [], [B]])
    followed = reader(logs)
    assert texts(followed) == ["a", "b"]
    logs.streams["s"] += [[], [C]]
    assert texts(followed) == ["c"]


@pytest.mark.parametrize("tail", [0, 1])
def test_the_tail_is_of_what_is_there_at_first(tail: int) -> None:
    logs = ScriptedLogs()
    logs.exists = False
    followed = reader(logs, tail=tail)
    assert texts(followed) == []
    logs.exists = True
    logs.streams["s"] = [[A, B, C]]
    assert texts(followed) == ["a", "b", "c"]


def test_a_stream_that_goes_takes_no_other_with_it() -> None:
    logs = ScriptedLogs(a=[[A]], gone=[[B]], z=[[C]])
    logs.refusals = ["", "", "ResourceNotFoundException"]
    assert texts(reader(logs)) == ["a", "c"]


@pytest.mark.parametrize("excerpt", [{}, {"tail": 9}], ids=["from the head", "from the end"])
@pytest.mark.parametrize("calls", range(5))
def test_a_refused_call_loses_no_line_and_repeats_none(calls: int, excerpt: dict[str, int]) -> None:
    logs = ScriptedLogs(a=[[A], [B]], z=[[C], []])
    logs.refusals = [*([""] * calls), "ThrottlingException"]
    followed = reader(logs, **excerpt)
    with pytest.raises(ClientError, match="ThrottlingException"):
        followed.new_lines()
    assert texts(followed) == ["a", "b", "c"]
    assert texts(followed) == []


def test_health_checks_are_a_past_too() -> None:
    ping = (2, 'INFO:     10.0.0.1:1234 - "GET /ping HTTP/1.1" 200 OK')
    logs = ScriptedLogs(s=[[A], [ping]])
    followed = reader(logs, tail=0, pings=False)
    assert texts(followed) == []
    logs.streams["s"].append([C])
    assert texts(followed) == ["c"]


def quiet_endpoint(*, now: int) -> tuple[ScriptedLogs, JobLogs]:
    logs = ScriptedLogs(old=[[A]], new=[[(now - 1, "b")]])
    logs.said = {"old": 1, "new": now - 1}
    followed = reader(logs, now=now)
    assert texts(followed) == ["a", "b"]
    logs.requests.clear()
    return logs, followed


def test_streams_that_are_long_quiet_are_looked_at_in_turn() -> None:
    logs, followed = quiet_endpoint(now=100 * HOUR)
    logs.streams["old"].append([(100 * HOUR, "again")])
    seen = [text for _ in range(TURNS) for text in texts(followed)]
    assert logs.read.count("new") == TURNS
    assert seen == ["again"], "CloudWatch tells of the line an hour later only"


def test_a_stream_that_speaks_again_is_looked_at_each_time() -> None:
    logs, followed = quiet_endpoint(now=100 * HOUR)
    logs.streams["old"].append([(100 * HOUR, "again")])
    for _ in range(TURNS):
        texts(followed)
    logs.requests.clear()
    texts(followed)
    texts(followed)
    assert logs.read.count("old") == 2


def test_what_cloudwatch_tells_makes_a_stream_due() -> None:
    logs, followed = quiet_endpoint(now=100 * HOUR)
    logs.streams["old"].append([(2, "late")])
    logs.said["old"] = 2
    assert texts(followed) == ["late"]


def test_a_quiet_stream_that_was_not_read_to_its_end_is_due() -> None:
    logs, followed = quiet_endpoint(now=100 * HOUR)
    logs.streams["old"] += [[(2, "late")], [(3, "later")]]
    logs.refusals = ["", "", "ThrottlingException"]
    with pytest.raises(ClientError, match="ThrottlingException"):
        followed.new_lines(thorough=True)
    assert texts(followed) == ["late", "later"]


def test_a_thorough_look_reads_all() -> None:
    logs, followed = quiet_endpoint(now=100 * HOUR)
    logs.streams["old"].append([(2, "late")])
    assert [line.text for line in followed.new_lines(thorough=True)] == ["late"]


def test_a_stream_of_an_hour_ago_is_looked_at_each_time() -> None:
    logs, followed = quiet_endpoint(now=HOUR)
    texts(followed)
    assert logs.read.count("old") == 1
