"""Texts of others, cut and joined."""

from __future__ import annotations

import pytest
from sagebridge.core.words import sentence, shortened

POD_SECURITY = 'allowPrivilegeEscalation != false (containers "prepare", "agent", "train" must set it)'


@pytest.mark.parametrize(
    ("text", "longest", "want", "reason"),
    [
        ("all of it", 9, "all of it", "it fits"),
        ("", 9, "", "nothing"),
        ("one two three", 8, "one two…", "a word ends where it must"),
        ("one two three", 9, "one two…", "a word is not divided"),
        ("one, two", 7, "one…", "no comma is left over"),
        (POD_SECURITY, 70, 'allowPrivilegeEscalation != false (containers "prepare", "agent"…', "of a list"),
        (f"image {'x' * 500}", 300, f"image {'x' * 293}…", "a word that is longer than all that may be left out"),
        ("x" * 20, 10, f"{'x' * 9}…", "one word"),
    ],
)
def test_what_is_cut_says_so(text: str, longest: int, want: str, reason: str) -> None:
    assert shortened(text, longest) == want, reason
    assert len(shortened(text, longest)) <= longest, reason


@pytest.mark.parametrize(("text", "want"), [("It is full", "It is full."), ("Full.", "Full."), ("It is…", "It is…")])
def test_a_sentence_has_one_end(text: str, want: str) -> None:
    assert sentence(text) == want
