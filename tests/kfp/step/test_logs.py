"""The job's log in the step's: each line once and in order, whatever happens to its service."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.step import log_service
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.log_service import LogService, LogServiceError, RefusedError, Where, own_token
from sagebridge_kfp.step.logs import LogFollower
from sagebridge_local.stack.certificates import Authority
from support.scripted_http import Asked, Reply
from support.waiting import eventually

from .log_server import BODY, END, PATH, TOKEN, LogServer, Turn, broken_after, ended_after, entry, failed_after, status

UNVERIFIED = "CERTIFICATE_VERIFY_FAILED"
ALL = [f"line {number}" for number in range(1, 7)]


def at_once() -> Iterator[float]:
    while True:
        yield 0.001


def followed(
    service: LogService, *, seconds: float = 60.0, after: str = "", **options: Any
) -> tuple[list[str], list[str], Console]:
    """What a step prints: the job's lines, and its own about them; `after` it has printed this, the rest is due."""
    output = io.StringIO()
    console = Console(output=output)
    follower = LogFollower(service, console=console, **{"pause": at_once} | options)
    follower.start()
    eventually(lambda: after in output.getvalue(), what=after)
    follower.finish(seconds=seconds, away_seconds=seconds)
    printed = output.getvalue().splitlines()
    own = [line for line in printed if line.startswith("[sagebridge]")]
    return [line for line in printed if line not in own], own, console


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([], "all is well"),
        ([broken_after(entry(1), entry(2))], "the connection broke between two lines"),
        ([broken_after(entry(1), entry(2)[:20])], "it broke in the midst of a line, which comes again"),
        ([broken_after()], "it broke before the first line"),
        ([broken_after(entry(1)), broken_after(entry(2)), broken_after(entry(3), entry(4))], "it broke many times"),
        ([ended_after(entry(1), b"\n", b"\n")], "a proxy ended it in order"),
        ([broken_after(entry(1)[:9], entry(1)[9:], b"\n\n")], "a line came in two pieces"),
        ([status(409), status(409)], "the job had not begun"),
        ([status(429, Retry_After="0")], "there were too many readers"),
        ([status(503), status(500), status(502)], "the service was being replaced"),
        ([status(401)], "the token was renewed just then"),
        ([broken_after(entry(1)), status(401), broken_after(entry(2)), status(401)], "it is renewed every hour"),
        ([broken_after(entry(1)), status(403), status(401), status(401)], "the API server had just begun"),
        ([broken_after(entry(1)), *[status(403), status(503)] * 9], "it was refused now and then, never in a row"),
        ([broken_after(entry(1)), *[status(401)] * 5, status(409), *[status(401)] * 5], "an answer was between"),
        ([ended_after(b"<html>\n")], "something else answered"),
    ],
)
def test_each_line_comes_once(tmp_path: Path, turns: list[Turn], reason: str) -> None:
    with LogServer(tmp_path, turns=turns) as server:
        assert followed(server.service())[0] == ALL, reason


def test_how_it_is_asked(tmp_path: Path) -> None:
    with LogServer(tmp_path, turns=[broken_after(entry(1), entry(2))]) as server:
        followed(server.service())
    assert [(one.method, one.path, one.query) for one in server.asked] == [
        ("GET", PATH, {"follow": "true"}),
        ("GET", PATH, {"follow": "true", "after": "2"}),
    ]
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {TOKEN}"}


def test_one_that_found_its_job_running_shows_the_last_lines(tmp_path: Path) -> None:
    with LogServer(tmp_path, turns=[broken_after(entry(5))]) as server:
        assert followed(server.service(), tail=2)[0] == ["line 5", "line 6"]
    assert [one.query for one in server.asked] == [{"follow": "true", "tail": "2"}, {"follow": "true", "after": "5"}]


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([status(403)], "the service account has no right to the object"),
        ([status(404)], "there is no such log"),
        ([status(400)], "the request is not as it likes it"),
        ([status(401), status(401)], "it does not know the token, nor the next one"),
        ([status(302, Location="https://elsewhere.example/")], "it sends the token elsewhere"),
    ],
)
def test_what_is_refused_is_not_asked_again(tmp_path: Path, turns: list[Turn], reason: str) -> None:
    with LogServer(tmp_path, turns=turns) as server:
        lines, own, _ = followed(server.service())
    assert (lines, len(own), len(server.asked)) == ([], 1, len(turns)), reason
    assert "can't be shown here; the job goes on" in own[0]


def test_who_is_let_in_no_more_asks_some_times_again(tmp_path: Path) -> None:
    with LogServer(tmp_path, turns=[broken_after(entry(1)), *[status(403)] * 20]) as server:
        lines, own, _ = followed(server.service())
        assert (lines, len(server.asked)) == (ALL[:1], 10)
    assert "can't be shown here; the job goes on" in own[-1]


def test_a_token_is_shown_only_to_whom_the_authority_vouches_for(tmp_path: Path) -> None:
    stranger = Authority.create("somebody else").pair.certificate.decode()
    with LogServer(tmp_path) as server:
        lines, own, _ = followed(server.service(authority=lambda: stranger), seconds=0.3, after=UNVERIFIED)
        assert (lines, server.asked) == ([], [])
        assert UNVERIFIED in own[0]


def test_nor_without_tls() -> None:
    where = Where(url="http://127.0.0.1:1", namespace="o", config_map="ca", path="/logs")
    with pytest.raises(RefusedError, match="HTTPS only"):
        list(LogService(where, authority=lambda: "", token=lambda: TOKEN).follow())


def test_a_log_that_could_not_be_read_on_ends_with_the_reason(tmp_path: Path) -> None:
    with (
        LogServer(tmp_path, turns=[failed_after(entry(1))]) as server,
        pytest.raises(LogServiceError, match=r"^CloudWatch Logs refuses$"),
    ):
        list(server.service().follow())


@pytest.mark.parametrize("authority", ["", "\n"])
def test_no_authority_is_not_the_systems(tmp_path: Path, authority: str) -> None:
    with (
        LogServer(tmp_path) as server,
        pytest.raises(LogServiceError, match="The ConfigMap ca has no certificate authority yet"),
    ):
        list(server.service(authority=lambda: authority).follow())
    assert server.asked == []


def test_an_authority_that_changes_is_read_again(tmp_path: Path) -> None:
    with LogServer(tmp_path) as server:
        known = [Authority.create("of yesterday").pair.certificate.decode()]
        assert followed(server.service(authority=lambda: known.pop() if known else server.pem()))[0] == ALL


def test_a_service_that_is_away_keeps_nobody_from_ending(tmp_path: Path) -> None:
    server = LogServer(tmp_path)
    service = server.service()
    with server:
        pass
    lines, own, _ = followed(service, seconds=0.3, after="is asked again and again")
    assert lines == []
    assert ["is asked again and again" in own[0], "was not to be had in time" in own[1]] == [True, True]
    assert len(own) == 2


def test_a_service_that_answers_is_waited_for_though_nothing_was_printed_yet(tmp_path: Path) -> None:
    printed = threading.Event()

    def late() -> Iterator[bytes]:
        printed.wait(60)
        yield entry(1)
        yield END

    output = io.StringIO()
    with LogServer(tmp_path, turns=[lambda asked: Reply(pieces=late())]) as server:
        follower = LogFollower(server.service(read_seconds=60.0), console=Console(output=output))
        follower.start()
        eventually(lambda: follower._is_connected, what="the answer's beginning")
        threading.Timer(0.3, printed.set).start()
        follower.finish(seconds=60, away_seconds=0.01)
    assert output.getvalue() == "line 1\n"


def test_it_comes_back(tmp_path: Path) -> None:
    with LogServer(tmp_path, turns=[broken_after(entry(1), entry(2))]) as first:
        output = io.StringIO()
        authorities = [first.authority]

        def newest() -> str:
            return authorities[-1].pair.certificate.decode()

        service = first.service(authority=newest)
        follower = LogFollower(service, console=Console(output=output), pause=at_once)
        first.answer = _first_then_gone(first)
        follower.start()
        eventually(lambda: "line 2" in output.getvalue(), what="the first two lines")
    second = LogServer(tmp_path, port=first.port)
    authorities.append(second.authority)
    with second:
        follower.finish(seconds=60, away_seconds=60)
    assert [line for line in output.getvalue().splitlines() if not line.startswith("[")] == ALL


def _first_then_gone(server: LogServer) -> Turn:
    answers = [broken_after(entry(1), entry(2))]

    def turn(asked: Asked) -> Reply:
        return (answers.pop() if answers else status(503))(asked)

    return turn


def test_a_log_that_never_ends_keeps_nobody_from_ending(tmp_path: Path) -> None:
    left = threading.Event()

    def endless(asked: Asked) -> Reply:
        return Reply(pieces=_endless(left))

    with LogServer(tmp_path, turns=[endless]) as server:
        lines, own, _ = followed(server.service(), seconds=0.5, after="line 1")
        assert lines == ["line 1"]
        assert "was not to be had in time" in own[-1]
        eventually(left.is_set, what="its reader leaves it")


def _endless(left: threading.Event) -> Iterator[bytes]:
    pause = threading.Event()
    try:
        yield entry(1)
        while True:
            pause.wait(0.02)
            yield b"\n"
    finally:
        left.set()


def test_the_last_lines_are_kept_for_the_failure(tmp_path: Path) -> None:
    with LogServer(tmp_path, lines=100) as server:
        console = followed(server.service())[2]
    assert list(console.last) == [f"line {number}" for number in range(81, 101)]


def test_what_would_steer_a_terminal_is_left_out() -> None:
    output = io.StringIO()
    Console(output=output).log("\x1b[31mred\x1b[0m\r\x08 50%\tdone\x1b[2K")
    assert output.getvalue() == "red 50%\tdone\n"


@pytest.mark.parametrize(
    ("own", "is_shown", "reason"),
    [
        ("", TOKEN, "the pod has none that is meant for the log service alone"),
        ("own\n", "own", "it has one, and no other is shown"),
    ],
)
def test_a_token_for_logs_alone_is_shown_where_there_is_one(
    own: str, is_shown: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own"
    monkeypatch.setattr(log_service, "OWN_TOKEN", file)
    if own:
        file.write_text(own)
    with LogServer(tmp_path, turns=[ended_after(entry(1)), ended_after(END)]) as server:
        followed(server.service(token=lambda: own_token(lambda: TOKEN)))
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {is_shown}"}, reason


def test_a_token_for_logs_alone_that_can_not_be_read_stands_for_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_service, "OWN_TOKEN", tmp_path)  # a directory
    with (
        LogServer(tmp_path) as server,
        pytest.raises(LogServiceError, match="IsADirectoryError"),
    ):
        list(server.service(token=lambda: own_token(lambda: TOKEN)).follow())
    assert server.asked == []


@pytest.mark.parametrize(
    ("logs", "reason"),
    [({}, "no log"), ({"groupName": "g"}, "an operator without the service"), ({"service": {}}, "not told yet")],
)
def test_where_there_is_no_service(logs: dict[str, Any], reason: str) -> None:
    assert Where.parse(BODY | {"status": {"logs": logs}}, plural="trainingjobs") is None, reason
