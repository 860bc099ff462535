"""The answers of an endpoint, and what has to be true of them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.scoring import Score

_DEVIATIONS: Final = 5.0
"""How many standard deviations chance may carry a share away: it does so once in two million."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of one invocation.

    Attributes:
        begun: When it was sent, on a monotonic clock, in seconds.
        seconds: How long it took.
        rows: Which of the held-out rows were sent, counted from 0.
        labels: The digits in them, as they really are.
        digits: The digits that the model reads; empty if the invocation failed.
        variant: InvokedProductionVariant.
        probabilities: Whether the answer tells how sure the model is, as the newer inference code does.
        error: Why it failed, else empty.
    """

    begun: float
    seconds: float
    rows: tuple[int, ...]
    labels: tuple[int, ...]
    digits: tuple[int, ...] = ()
    variant: str = ""
    probabilities: bool = False
    error: str = ""

    @property
    def version(self) -> str:
        """Which version of the inference code has answered."""
        return "new" if self.probabilities else "old"


def score(answers: Sequence[Answer]) -> Score:
    """Count the digits that were read right; those of a failed invocation were not.

    Raises:
        DemoError: Nothing was sent.
    """
    rows = sum(len(answer.labels) for answer in answers)
    if not rows:
        raise DemoError("The endpoint was sent nothing.")
    correct = sum(
        label == digit for answer in answers for label, digit in zip(answer.labels, answer.digits, strict=False)
    )
    return Score(correct=correct, rows=rows)


def milliseconds(answers: Sequence[Answer]) -> float:
    """The median of how long an invocation took."""
    return 1000.0 * median(answer.seconds for answer in answers)


def shares(answers: Sequence[Answer], by: Callable[[Answer], str]) -> dict[str, float]:
    """Who has answered which share of them, from 0 to 1; failed ones don't count."""
    counts = Counter(by(answer) for answer in answers if not answer.error)
    return {name: count / counts.total() for name, count in sorted(counts.items())}


def while_mixed(answers: Sequence[Answer]) -> Sequence[Answer]:
    """The answers of the time in which both versions did answer: between the first new and the last old one.

    Those two mark the ends and are left out: they are what they are by choice, the others by chance.

    Raises:
        DemoError: There was no such time, so no traffic was split.
    """
    told = [answer for answer in answers if not answer.error]
    new = [place for place, answer in enumerate(told) if answer.version == "new"]
    old = [place for place, answer in enumerate(told) if answer.version == "old"]
    if not new or not old:
        raise DemoError(f"Only the {'old' if old else 'new'} version has answered, while both should have.")
    if old[-1] < new[0]:
        raise DemoError("All traffic went from the old version to the new one at once: there was no canary.")
    return told[new[0] + 1 : old[-1]]


def check_faultless(answers: Sequence[Answer]) -> None:
    """Pass invocations of which none has failed.

    Raises:
        DemoError: One has, or there were none.
    """
    failed = [answer for answer in answers if answer.error]
    if failed:
        raise DemoError(f"{len(failed)} of {len(answers)} invocations failed, the first by: {failed[0].error}")
    if not answers:
        raise DemoError("There was no invocation.")


def check_digits(answers: Sequence[Answer], *, expected: Sequence[int], of: str) -> None:
    """Pass answers that are those of a model.

    Args:
        answers: The answers.
        expected: What the model reads in each of the held-out rows.
        of: Whose answers they are, for the message.

    Raises:
        DemoError: A digit is another one.
    """
    read = [pair for answer in answers for pair in zip(answer.rows, answer.digits, strict=True)]
    others = [row for row, digit in read if digit != expected[row]]
    if others:
        first = f"the first to row {others[0] + 1}"
        raise DemoError(f"{len(others)} of {len(read)} answers of {of} are not those of its model, {first}.")


def check_split(answers: Sequence[Answer], *, by: Callable[[Answer], str], wanted: Mapping[str, float]) -> None:
    """Pass traffic that was split as it should, as far as chance lets it be.

    Args:
        answers: The answers.
        by: Who has answered.
        wanted: The relative weight of each of them.

    Raises:
        DemoError: A share is more than five standard deviations away from what it should be, or there are too few
            answers to tell.
    """
    found, total = shares(answers, by), sum(wanted.values())
    strangers = sorted(set(found) - set(wanted))
    if strangers:
        raise DemoError(f"{', '.join(strangers)} should get no traffic, but did.")
    for name, weight in wanted.items():
        share = weight / total
        allowed = _DEVIATIONS * math.sqrt(share * (1 - share) / len(answers)) if answers else math.inf
        if share and allowed >= share:
            raise DemoError(f"{len(answers)} answers are too few to tell whether {name} gets {share:.0%} of them.")
        if abs(found.get(name, 0.0) - share) > allowed:
            raise DemoError(
                f"{name} should answer {share:.0%} of the invocations, "
                f"but has answered {found.get(name, 0.0):.1%} of {len(answers)}."
            )
