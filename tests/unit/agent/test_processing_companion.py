"""How long the agent of a processing job waits to hear how the container has ended, and what it makes of that."""

import json
from pathlib import Path
from typing import Any

import pytest
from sagebridge.agent.message import StopReason
from sagebridge.agent.places import Places
from sagebridge.agent.processing.companion import ProcessingCompanion
from sagebridge.agent.processing.document import ProcessingDocument
from sagebridge.agent.processing.host import ProcessingHost
from sagebridge.agent.surroundings import Surroundings
from sagebridge.agent.termination import Termination

UPLOAD_SECONDS = 900


class World:
    def __init__(self, clock: Any, root: Path, *, mode: str = "EndOfJob") -> None:
        s3 = {"S3Uri": "s3://b/out", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": mode}
        document = {
            "version": 1,
            "request": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": s3}]}},
            "arn": "arn:aws:sagebridge:us-west-2:team:processing-job/split",
            "region": "us-west-2",
            "hosts": ["split-0"],
            "stopGraceSeconds": 120,
            "syncSeconds": 30,
            "uploadSeconds": UPLOAD_SECONDS,
        }
        self.places = Places(ml=root, annotations=root / "annotations")
        self.termination = Termination(clock)
        host = ProcessingHost(ProcessingDocument.parse(json.dumps(document)), 0, self.places)
        self.companion = ProcessingCompanion(host, Surroundings(clock=clock, termination=self.termination))

    def tell(self, code: str) -> None:
        self.places.annotations.write_text(f'sagebridge.io/training-ended="{code}"')


@pytest.fixture
def world(clock: Any, tmp_path: Path) -> World:
    return World(clock, tmp_path)


@pytest.mark.parametrize("code", ["0", "1"])
def test_it_waits_for_the_operators_word(world: World, clock: Any, code: str) -> None:
    clock.at(7, lambda: world.tell(code))
    assert (world.companion.judge(None), clock.seconds) == (None, 7)


def test_it_waits_no_longer_than_s3_may_be_away(world: World, clock: Any) -> None:
    assert (world.companion.judge(None), clock.seconds) == (None, UPLOAD_SECONDS)


def test_at_the_pods_end_nobody_tells_any_more(world: World, clock: Any) -> None:
    clock.at(7, world.termination.request)
    assert (world.companion.judge(None), clock.seconds) == (StopReason.TERMINATED, 7)


def test_what_was_told_before_the_pods_end_counts(world: World, clock: Any) -> None:
    world.tell("0")
    world.termination.request()
    assert (world.companion.judge(None), clock.seconds) == (None, 0)


@pytest.mark.parametrize("reason", list(StopReason))
def test_what_was_ended_early_has_no_outputs_of_its_end(world: World, clock: Any, reason: StopReason) -> None:
    assert (world.companion.judge(reason), clock.seconds) == (reason, 0)


def test_without_outputs_of_the_end_it_does_not_matter(clock: Any, tmp_path: Path) -> None:
    world = World(clock, tmp_path, mode="Continuous")
    assert (world.companion.judge(None), clock.seconds) == (None, 0)
