"""The one line that is told of a container that did not start."""

from __future__ import annotations

import pytest
from sagebridge.core.container import last_words

TRACEBACK = [
    "Traceback (most recent call last):",
    '  File "/tmp/work/code/inference.py", line 2, in model_fn',
    "    raise RuntimeError('no weights here')",
    "RuntimeError: no weights here",
]
CHAINED = ["", "During handling of the above exception, another exception occurred:", ""]


@pytest.mark.parametrize(
    ("reason", "lines", "want"),
    [
        ("it said nothing", [], ""),
        ("no traceback", ["starting", "no license", " "], "no license"),
        ("an exception", TRACEBACK, "RuntimeError: no weights here"),
        ("a server that says goodbye", [*TRACEBACK, "Worker exiting (pid: 7)"], "RuntimeError: no weights here"),
        ("an exception of another", [*TRACEBACK[:3], "KeyError: 'a'", *CHAINED, *TRACEBACK], TRACEBACK[3]),
        ("a container that is started again", [*TRACEBACK[:3], "OSError: first", *TRACEBACK], TRACEBACK[3]),
        ("all of it indented", [f"  {line}" for line in TRACEBACK], "RuntimeError: no weights here"),
        ("cut off", TRACEBACK[:3], "raise RuntimeError('no weights here')"),
    ],
)
def test_one_line(reason: str, lines: list[str], want: str) -> None:
    assert last_words.of(lines) == want, reason
