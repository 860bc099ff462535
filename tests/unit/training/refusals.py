"""What is refused before anything is asked of AWS: the message names the field and says what to do."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.training import ResolveContext, resolve

from tests.unit.training.jobs import context


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    spec: Any
    context: ResolveContext = field(default_factory=context)
    field: str
    says: str


def check(case: Case) -> None:
    with pytest.raises(SpecError) as raised:
        resolve(case.spec, case.context)
    assert raised.value.field == case.field
    assert case.says in raised.value.message
