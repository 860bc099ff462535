"""When an endpoint is where its spec wants it, and when waiting ends."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from sagebridge.core.job import Job
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.follow import Watch, follow, is_settled

OBJECT = """
import json, sys, time
for number in range(1, 4):
    metadata = {"name": "digits", "namespace": "default", "uid": "u", "generation": number}
    print(json.dumps({"metadata": metadata, "spec": {}}, indent=4), flush=True)
"""


def endpoint(*, generation: int, seen: int, **conditions: str) -> Job:
    built: list[dict[str, Any]] = [{"type": kind, "status": status} for kind, status in conditions.items()]
    metadata = {"name": "digits", "namespace": "default", "uid": "u", "generation": generation}
    return Job.parse({"metadata": metadata, "status": {"observedGeneration": seen, "conditions": built}})


@pytest.mark.parametrize(
    ("found", "want", "reason"),
    [
        (endpoint(generation=2, seen=2, Ready="True"), True, "it serves this spec"),
        (endpoint(generation=2, seen=2, Ready="False", Stalled="True"), True, "nothing more will come of it"),
        (endpoint(generation=2, seen=2, Ready="False", Reconciling="True"), False, "it is on the way"),
        (endpoint(generation=3, seen=2, Ready="True"), False, "it serves the spec before this one"),
        (endpoint(generation=3, seen=2, Ready="False", Stalled="True"), False, "the spec before this one was bad"),
    ],
)
def test_settled(found: Job, want: bool, reason: str) -> None:
    assert is_settled(found) is want, reason


def watching(script: str) -> Watch:
    return Watch([sys.executable, "-c", script], environment={})


def test_each_change_is_shown_until_it_is_done() -> None:
    generations: list[int] = []
    with watching(OBJECT + "time.sleep(600)") as watch:
        found = follow(
            watch,
            show=lambda job: generations.append(job.generation),
            done=lambda job: job.generation == 3,
            idle=lambda: None,
            timeout=60.0,
        )
    assert (generations, found.generation) == ([1, 2, 3], 3)


def test_what_goes_on_beside_it_may_end_the_waiting() -> None:
    def idle() -> None:
        raise DemoError("the operator has ended")

    with watching(OBJECT + "time.sleep(600)") as watch, pytest.raises(DemoError, match="the operator has ended"):
        follow(watch, show=lambda job: None, done=lambda job: False, idle=idle, timeout=60.0)


def test_it_is_given_up_after_a_while() -> None:
    with watching(OBJECT + "time.sleep(600)") as watch, pytest.raises(DemoError, match="not over after 0 s"):
        follow(watch, show=lambda job: None, done=lambda job: False, idle=lambda: None, timeout=0.0)


def test_a_kubectl_that_ends_is_told() -> None:
    with (
        watching("import sys; sys.exit('the server is gone')") as watch,
        pytest.raises(DemoError, match="the server is gone"),
    ):
        follow(watch, show=lambda job: None, done=lambda job: False, idle=lambda: None, timeout=60.0)
