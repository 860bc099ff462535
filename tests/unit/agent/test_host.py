"""Which of the hosts of a job a pod is."""

from __future__ import annotations

import pytest
from sagebridge.agent.document import DocumentError
from sagebridge.agent.host import COMPLETION_INDEX, completion_index


@pytest.mark.parametrize(("text", "size", "index"), [("0", 1, 0), ("0", 2, 0), ("1", 2, 1)])
def test_a_pod_of_an_indexed_job_knows_which_it_is(text: str, size: int, index: int) -> None:
    assert completion_index({COMPLETION_INDEX: text}, size=size) == index


@pytest.mark.parametrize(
    ("reason", "environment"),
    [
        ("nobody says which it is: it would take the share of the first", {}),
        ("what the downward API gives for an annotation that is not there", {COMPLETION_INDEX: ""}),
        ("not a number", {COMPLETION_INDEX: "first"}),
        ("a Python index, from behind", {COMPLETION_INDEX: "-1"}),
        ("there is no such share", {COMPLETION_INDEX: "2"}),
    ],
)
def test_a_pod_that_does_not_know_it_says_so(reason: str, environment: dict[str, str]) -> None:
    with pytest.raises(DocumentError, match=r"JOB_COMPLETION_INDEX must be a number from 0 to 1, .* Indexed Job"):
        completion_index(environment, size=2)
