"""What a search has to know of a trial, and what its trials amount to.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrainingJobStatusCounters.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ObjectiveStatusCounters.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from sagebridge.core.search.definition import Definition

IN_PROGRESS: Final = "InProgress"
COMPLETED: Final = "Completed"
FAILED: Final = "Failed"
STOPPED: Final = "Stopped"
ENDED: Final = frozenset({COMPLETED, FAILED, STOPPED})
"""TrainingJobStatus, as far as it matters to a search."""

SUCCEEDED: Final = "Succeeded"
PENDING: Final = "Pending"
NO_VALUE: Final = "Failed"
"""ObjectiveStatus."""

# A failed training job can be tried again only if it failed because of an internal service error.
_RETRYABLE: Final = "InternalServerError"


class Trial(Protocol):
    """One training job of a search."""

    @property
    def number(self) -> int:
        """Its number in the search, from 1 on."""

    @property
    def definition(self) -> Definition:
        """How it trains."""

    @property
    def tuned(self) -> Mapping[str, str]:
        """What was drawn for it, as hyperparameters."""

    @property
    def status(self) -> str:
        """Its TrainingJobStatus."""

    @property
    def reason(self) -> str:
        """Its FailureReason; empty without one."""

    @property
    def value(self) -> float | None:
        """The final value of the objective; None while there is none."""

    @property
    def series(self) -> Sequence[float]:
        """The objective's values that were logged so far."""

    @property
    def rungs(self) -> int:
        """How many of Hyperband's rungs it has passed."""

    @property
    def ended_at(self) -> float | None:
        """When it ended, seconds since the epoch; None while it goes on."""


T = TypeVar("T", bound=Trial)


def has_ended(trial: Trial) -> bool:
    """Whether nothing more comes of it."""
    return trial.status in ENDED


def shown_before_stop(trial: Trial) -> Sequence[float]:
    """What a trial had logged that was stopped, and so was not let show more; nothing of another."""
    return trial.series if trial.status == STOPPED else ()


def beats(trial: Trial, other: Trial | None) -> bool:
    """Whether a trial's value is better than another's."""
    if trial.value is None:
        return False
    if other is None or other.value is None:
        return True
    return trial.value > other.value if trial.definition.maximize else trial.value < other.value


def best_of(trials: Iterable[T]) -> T | None:
    """The trial with the best value; the earlier of two that are equally good."""
    best: T | None = None
    for trial in trials:
        best = trial if beats(trial, best) else best
    return best


def objective_status(trial: Trial) -> str:
    """Succeeded, Pending or Failed."""
    if not has_ended(trial):
        return PENDING
    return NO_VALUE if trial.value is None else SUCCEEDED


def status_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """TrainingJobStatusCounters."""
    counted = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for trial in trials:
        counted[_counter(trial)] += 1
    return counted


def _counter(trial: Trial) -> str:
    if trial.status == FAILED:
        return "RetryableError" if trial.reason.startswith(_RETRYABLE) else "NonRetryableError"
    return trial.status if trial.status in {COMPLETED, STOPPED} else "InProgress"


def objective_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """ObjectiveStatusCounters."""
    counted = {SUCCEEDED: 0, PENDING: 0, NO_VALUE: 0}
    for trial in trials:
        counted[objective_status(trial)] += 1
    return counted
