"""What is on this machine is never asked of a proxy."""

from __future__ import annotations

import pytest
from sagebridge_local.stack import aws

HERE = "127.0.0.1,localhost"


@pytest.mark.parametrize(
    ("given", "want", "reason"),
    [
        ({}, HERE, "a proxy without exceptions would get every call"),
        ({"NO_PROXY": "intranet"}, f"intranet,{HERE}", "the user's exceptions stay"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, f"a,{HERE}", "the small letters win, as in Python and curl"),
        ({"NO_PROXY": HERE}, HERE, "a second up in the same shell must find the same environment"),
        ({"NO_PROXY": "localhost,,x"}, "localhost,x,127.0.0.1", "nothing is named twice"),
    ],
)
def test_no_proxy(given: dict[str, str], want: str, reason: str) -> None:
    assert aws.no_proxy(given) == {"NO_PROXY": want, "no_proxy": want}, reason


def test_the_environment_of_a_shell_has_it() -> None:
    assert "127.0.0.1" in aws.environment("http://127.0.0.1:1")["NO_PROXY"]
