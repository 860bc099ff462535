"""The words of commands and variables reach the user's container as the manifest has them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sagebridge.core.cluster.environment import listed, verbatim

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expanded(text: str) -> str:
    """What a kubelet makes of it, where every variable that is referred to has the value `!`.

    Source: https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
    """
    return _REFERENCE.sub(lambda found: "$" if found[1] is None else "!", text)


@given(st.text("$(A)é x"))
@example("echo $$")
@example("pa$$word")
@example("$$(HOME)")
@example("$$$(HOME)$")
def test_whatever_it_is(text: str) -> None:
    [word], [variable] = verbatim([text]), listed({"A": text})
    assert (expanded(word), expanded(variable["value"])) == (text, text)


@pytest.mark.parametrize("text", ["$HOME", '"$0" "$@"', "$", "5 $", "${A}"])
def test_what_kubernetes_leaves_alone_is_left_alone(text: str) -> None:
    assert verbatim([text]) == [text]


def test_a_kubelet_that_goes_by_bytes_finds_no_letter_to_take_apart() -> None:
    """Old ones did, of whatever follows a `$`."""
    assert verbatim(["$é"]) == ["$$é"]
