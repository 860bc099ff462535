"""The guide's manifest, and what it says of refusals, as they stand."""

import re
from pathlib import Path

import yaml
from sagebridge.core.cluster import request as training
from sagebridge.core.cluster.tuning import refusals
from sagebridge.core.cluster.tuning.checks import check
from sagebridge.core.cluster.tuning.plan import draw
from sagebridge.core.cluster.tuning.trials import manifest
from sagebridge.core.resolution import Part

from .searches import context, planned, record_of

GUIDE = (Path(__file__).parents[3] / "docs/cluster/tuning.md").read_text()


def test_the_manifest_becomes_trials() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    spec = yaml.safe_load(block)["spec"]
    record = record_of(spec, parts={"trainingJobDefinition": Part(source_uri="s3://bucket/code.tar.gz")})
    check(record)
    starts = planned(record).start
    assert len(starts) == 4
    for start, tuned in zip(starts, draw(record, [], starts), strict=True):
        body = manifest(record, start.definition, number=start.number, tuned=tuned, deletion_policy="Stop")
        complete = training.resolve(body["spec"], context())
        assert complete["cluster"]["launch"] == "script"
        assert 0.0001 <= float(complete["hyperParameters"]["learning-rate"]) <= 0.1


def test_every_refusal_of_its_own_is_told() -> None:
    told = GUIDE[GUIDE.index("## What is refused") :]
    for field in (one.field for one in (*refusals.REFUSALS, refusals.INSTANCES)):
        assert f"`{field}`" in told
