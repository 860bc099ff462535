"""What the operator says by annotations."""

from pathlib import Path

import pytest
from sagebridge.agent import notices
from sagebridge.agent.message import StopReason


@pytest.mark.parametrize(
    ("reason", "text", "want"),
    [
        ("nothing", "", {}),
        ("several", 'a="1"\nsagebridge.io/stop="Stopped"\n', {"a": "1", "sagebridge.io/stop": "Stopped"}),
        ("escapes", r'a="tab\t, \"quoted\", \\, \u00e9\n"', {"a": 'tab\t, "quoted", \\, é\n'}),
        ("an equals sign", 'a="b=c"', {"a": "b=c"}),
        ("a document", r'a="{\"b\":1}"', {"a": '{"b":1}'}),
        ("what is no such line", 'a\nb=unquoted\nc=7\nd="open\ne="fine"', {"e": "fine"}),
        ("other line ends belong to the value", 'a="x\x0by\u2028z"', {"a": "x\x0by\u2028z"}),
    ],
)
def test_parse(reason: str, text: str, want: dict[str, str]) -> None:
    assert notices.parse(text) == want, reason


def test_without_a_file_nothing_is_said(tmp_path: Path) -> None:
    assert notices.read(tmp_path / "annotations") == {}


@pytest.mark.parametrize(
    ("said", "want"),
    [
        ({}, None),
        ({notices.STOP: ""}, None),
        ({notices.STOP: "Stopped"}, StopReason.USER),
        ({notices.STOP: "MaxWaitTimeExceeded"}, StopReason.MAX_WAIT),
        ({notices.STOP: "SomethingNew"}, StopReason.USER),
    ],
)
def test_stop_reason(said: dict[str, str], want: StopReason | None) -> None:
    assert notices.stop_reason(said) is want


@pytest.mark.parametrize(("said", "ended", "failed"), [(None, False, False), ("0", True, False), ("137", True, True)])
def test_the_end(said: str | None, ended: bool, failed: bool) -> None:
    annotations = {} if said is None else {notices.ENDED: said}
    assert (notices.has_ended(annotations), notices.has_failed(annotations)) == (ended, failed)
