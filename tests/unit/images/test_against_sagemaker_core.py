"""The whole table against the package it was generated from: every image, in every region, must be the same."""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, FrameworkRef, inference_image, training_image
from sagebridge.core.images.table import load

ROOT = Path(__file__).parents[3]
INSTANCE_TYPES = ("ml.m5.xlarge", "ml.c5.xlarge", "ml.g5.xlarge", "ml.p2.xlarge", "ml.p3.2xlarge", "ml.p4d.24xlarge")
NEURON_AND_ARM = ("ml.inf1.xlarge", "ml.inf2.xlarge", "ml.trn1.2xlarge", "ml.c6g.large", "ml.m6gd.large")


def image_uris() -> ModuleType:
    """What the table was generated from. To import it takes seconds, and each worker collects this file."""
    return importlib.import_module("sagemaker.core.image_uris")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_images", ROOT / "tools/generate_images.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make_fast()
    return module


def test_table_is_not_stale(generator: ModuleType) -> None:
    committed = ROOT / "operator/sagebridge/core/images/table.json"
    assert generator.render(generator.generate()) == committed.read_text(), "run `make images`"
    assert committed.stat().st_size < 200_000


def regions_of(version: dict[str, Any]) -> dict[str, str]:
    return next(leaf for leaf in walk(version) if "registries" in leaf)["registries"]


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from walk(item)


@pytest.mark.parametrize("name", sorted(load().algorithms))
def test_algorithms_in_every_version_and_region(generator: ModuleType, name: str) -> None:
    config = image_uris().config_for_framework(name)
    subtree = config.get("training", config)
    for version in [*subtree["versions"], *subtree.get("version_aliases", {})]:
        full = subtree.get("version_aliases", {}).get(version, version)
        for region in regions_of(subtree["versions"][full]):
            for instance_type in ("ml.m5.xlarge", "ml.p3.2xlarge"):
                want = oracle(name, region, version=version, instance_type=instance_type, image_scope="training")
                ref = AlgorithmRef(name=name, version=version)
                assert ours(ref, region, instance_type) == want, (version, region, instance_type)


def oracle(name: str, region: str, **arguments: Any) -> str | None:
    try:
        return image_uris().retrieve(name, region, **arguments)
    except (ValueError, KeyError):
        return None


def ours(ref: AlgorithmRef | FrameworkRef, region: str, instance_type: str, scope: str = "training") -> str | None:
    resolve = training_image if scope == "training" else inference_image
    try:
        return resolve(ref, region=region, instance_type=instance_type)
    except SpecError:
        return None


def framework_names() -> list[str]:
    return sorted(set(load().frameworks) - load().algorithms - {"huggingface-neuron", "huggingface-neuronx"})


@pytest.mark.parametrize("scope", ["training", "inference"])
@pytest.mark.parametrize("name", framework_names())
def test_frameworks_in_every_version_python_and_processor(generator: ModuleType, name: str, scope: str) -> None:
    config = image_uris().config_for_framework(name)
    parts = dict(generator.subtrees(config))
    if scope not in parts:
        assert ours(FrameworkRef(name=name), "us-east-1", "ml.m5.xlarge", scope) is None
        return
    aliases = parts[scope].get("version_aliases", {})
    for version in [*parts[scope]["versions"], *aliases]:
        full = aliases.get(version, version)
        for base, python, leaf in generator.leaves(parts[scope]["versions"][full]):
            compare(name, scope, version, base, python, regions=list(leaf["registries"]))


def compare(name: str, scope: str, version: str, base: str | None, python: str | None, *, regions: list[str]) -> None:
    ref = FrameworkRef(name=name, version=version, python_version=python, base_framework=base)
    # The processors in one region, and all regions on the processor that has an image.
    cases = [(regions[0], instance_type) for instance_type in INSTANCE_TYPES]
    working = next((instance for _, instance in cases if ours(ref, regions[0], instance, scope)), None)
    cases += [(region, working) for region in regions if working]
    for region, instance_type in cases:
        arguments = {"version": version, "py_version": python, "base_framework_version": base, "image_scope": scope}
        want = oracle(name, region, instance_type=instance_type, **arguments)
        assert ours(ref, region, instance_type, scope) == want, (version, python, base, region, instance_type)


@pytest.mark.parametrize("instance_type", NEURON_AND_ARM)
@pytest.mark.parametrize("name", ["pytorch", "tensorflow", "sklearn", "xgboost"])
def test_inference_on_arm_and_training_on_neuron(generator: ModuleType, name: str, instance_type: str) -> None:
    arm = instance_type in ("ml.c6g.large", "ml.m6gd.large")
    scope = "inference" if arm else "training"
    neuron = name == "pytorch" and not arm
    part = load().frameworks["pytorch-neuron" if neuron else name]["inference_graviton" if arm else scope]
    for version in [*part.versions, *part.aliases]:
        want = oracle(name, "us-east-1", version=version, instance_type=instance_type, image_scope=scope)
        got = ours(FrameworkRef(name=name, version=version), "us-east-1", instance_type, scope)
        # For Inferentia sagemaker-core may answer with a CPU image; nothing can train there, so it is refused here.
        assert got == want or (got is None and instance_type.startswith("ml.inf")), version


@pytest.mark.parametrize(
    ("tool", "instance_type"), [("neuron", "ml.inf1.xlarge"), ("neuronx", "ml.inf2.xlarge")], ids=["inf1", "inf2"]
)
def test_hugging_face_inference_on_neuron(generator: ModuleType, tool: str, instance_type: str) -> None:
    part = image_uris().config_for_framework(f"huggingface-{tool}")["inference"]
    for version, data in part["versions"].items():
        for base, python, leaf in generator.leaves(data):
            for region in leaf["registries"]:
                want = image_uris().retrieve(
                    "huggingface",
                    region,
                    version=version,
                    py_version=python,
                    base_framework_version=base,
                    image_scope="inference",
                    instance_type=instance_type,
                    inference_tool=tool,
                )
                ref = FrameworkRef(name="huggingface", version=version, base_framework=base, python_version=python)
                assert inference_image(ref, region=region, instance_type=instance_type) == want
