"""Trials that have logged what a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sagebridge.core.search.definition import Definition
from sagebridge.core.search.trial import IN_PROGRESS

MORE = Definition(name="", request={}, metric="score", maximize=True, parameters=())
LESS = Definition(name="", request={}, metric="loss", maximize=False, parameters=())


@dataclass(kw_only=True)
class Trial:
    """Implements `sagebridge.core.search.trial.Trial`."""

    number: int = 1
    definition: Definition = MORE
    series: Sequence[float] = ()
    rungs: int = 0
    status: str = IN_PROGRESS
    value: float | None = None
    reason: str = ""
    ended_at: float | None = None
    tuned: Mapping[str, str] = field(default_factory=dict)
