"""What holds for all tests.

Collecting without looking for garbage: thousands of tests stay to the end, and each look goes through all. And no
example of Hypothesis fails for having taken long: its 200 ms are over whenever the machine has other things to do.
"""

import gc
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what is collected out of every later look, too: a quarter of the time of collecting went into them."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
