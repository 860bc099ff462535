"""A bench for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.served_endpoints import EndpointBench, endpoint_bench


@pytest.fixture
async def bench() -> AsyncIterator[EndpointBench]:
    async with endpoint_bench() as made:
        yield made
