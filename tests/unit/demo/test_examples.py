"""The manifests of the digits: each version of the endpoint is the one before, but for what it is to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).parents[3] / "examples/digits"


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((EXAMPLES / name).read_text())
    return found


def test_the_canary_changes_the_answers_and_how_it_is_deployed() -> None:
    first, canary = example("endpoint.yaml"), example("endpoint-canary.yaml")
    assert canary["spec"].pop("deploymentConfig")["blueGreenUpdatePolicy"]
    assert canary["spec"]["models"][0]["environment"].pop("ANSWER") == "probability"
    assert canary == first


def test_a_b_adds_a_model_and_a_variant() -> None:
    canary, both = example("endpoint-canary.yaml"), example("endpoint-ab.yaml")
    del canary["spec"]["deploymentConfig"]
    trained = both["spec"]["models"].pop()
    assert trained == both["spec"]["models"][0] | {
        "name": "trained",
        "modelRef": {"kind": "TrainingJob", "name": example("trainingjob.yaml")["metadata"]["name"]},
    }
    first, second = both["spec"]["productionVariants"]
    assert second == first | {"variantName": "trained", "modelName": "trained"}
    del first["initialVariantWeight"]
    both["spec"]["productionVariants"].pop()
    assert both == canary


def test_all_of_them_use_what_the_search_finds() -> None:
    name = example("hptuningjob.yaml")["metadata"]["name"]
    for manifest in ("batchtransform.yaml", "endpoint.yaml"):
        spec = example(manifest)["spec"]
        reference = spec["modelRef"] if "modelRef" in spec else spec["models"][0]["modelRef"]
        assert reference == {"kind": "HPTuningJob", "name": name}
