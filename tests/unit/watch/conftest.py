"""A workbench for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.workbench import Workbench, workbench


@pytest.fixture
async def bench() -> AsyncIterator[Workbench]:
    async with workbench() as made:
        yield made
