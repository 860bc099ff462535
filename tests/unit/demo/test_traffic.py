"""Who answered, and whether that is what the manifest wants."""
# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from sagebridge_local.demo import traffic
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.traffic import Answer

OLD = Answer(begun=0.0, seconds=0.01, rows=(0,), labels=(7,), digits=(7,), variant="a")
NEW = replace(OLD, probabilities=True)
FAILED = replace(OLD, digits=(), variant="", error="ModelError")
WRONG = replace(OLD, digits=(1,))
OTHER = replace(OLD, variant="b")


def by_version(answer: Answer) -> str:
    return answer.version


def by_variant(answer: Answer) -> str:
    return answer.variant


def drawn(share: float, *, count: int, seed: int) -> list[Answer]:
    """Answers of which `b` has a share, by chance."""
    chance = random.Random(seed)
    return [OTHER if chance.random() < share else OLD for _ in range(count)]


def split(answers: list[Answer], **wanted: float) -> Callable[[], object]:
    return lambda: traffic.check_split(answers, by=by_variant, wanted=wanted)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    check: Callable[[], object]
    want: str


REFUSED = [
    Case(reason="one failed invocation is one too many", check=lambda: traffic.check_faultless([OLD, FAILED, NEW]), want="1 of 3 invocations failed, the first by: ModelError"),
    Case(reason="no invocation proves nothing", check=lambda: traffic.check_faultless([]), want="no invocation"),
    Case(reason="nothing sent has no score", check=lambda: traffic.score([]), want="was sent nothing"),
    Case(reason="another model answers", check=lambda: traffic.check_digits([OLD, WRONG, replace(WRONG, rows=(1,))], expected=[7, 1], of="the endpoint"), want="1 of 3 answers of the endpoint are not those of its model, the first to row 1."),
    Case(reason="half and half is not nine to one", check=split(drawn(0.5, count=300, seed=1), a=9, b=1), want="a should answer 90% of the invocations"),
    Case(reason="weights that are ignored after a change", check=split(drawn(0.5, count=300, seed=2), a=4, b=1), want="a should answer 80%"),
    Case(reason="all to one is not half and half", check=split([OLD] * 300, a=1, b=1), want="has answered 100.0% of 300"),
    Case(reason="a variant that should get nothing", check=split(drawn(0.5, count=300, seed=3), a=1), want="b should get no traffic"),
    Case(reason="a handful tells nothing about a split", check=split([OLD, OTHER] * 5, a=1, b=1), want="too few to tell"),
    Case(reason="no answers tell nothing", check=split([], a=1), want="too few to tell"),
    Case(reason="all traffic at once is no canary", check=lambda: traffic.while_mixed([OLD, OLD, NEW, NEW]), want="there was no canary"),
    Case(reason="an update that has not reached anybody", check=lambda: traffic.while_mixed([OLD, OLD]), want="Only the old version has answered"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(DemoError) as caught:
        case.check()
    assert case.want in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("a", "b"), [(1, 1), (4, 1), (0.75, 0.25)])
def test_a_split_by_chance_passes(a: float, b: float, seed: int) -> None:
    traffic.check_split(drawn(b / (a + b), count=300, seed=seed), by=by_variant, wanted={"a": a, "b": b})


def test_failed_invocations_score_nothing_and_have_no_share() -> None:
    answers = [OLD, FAILED, WRONG, OTHER]
    assert (traffic.score(answers).correct, traffic.score(answers).rows) == (2, 4)
    assert traffic.shares(answers, by_variant) == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}


def test_the_ends_of_the_mixed_time_are_left_out() -> None:
    told = [OLD, OLD, NEW, OLD, NEW, OLD, OLD, FAILED, OLD, NEW, NEW]
    assert [answer.version for answer in traffic.while_mixed(told)] == ["old", "new", "old", "old"]
    assert traffic.shares(told, by_version)["new"] == pytest.approx(0.4)
