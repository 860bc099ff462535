"""The instruments and their reference page."""

from pathlib import Path

from prometheus_client import CollectorRegistry
from sagebridge import metrics
from sagebridge.metrics import INSTRUMENTS, Metrics

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_reference_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == metrics.reference(), (
        "run: python -m sagebridge.metrics docs/reference/metrics.md"
    )


def test_every_instrument_is_made_under_its_own_name() -> None:
    registry = CollectorRegistry()
    made = Metrics(registry)
    assert {key for key in vars(made) if key != "registry"} == set(INSTRUMENTS)
    scraped = {family.name for family in registry.collect()}
    assert scraped == {item.name.removesuffix("_total") for item in INSTRUMENTS.values()}


def test_names_and_help_follow_one_form() -> None:
    for item in INSTRUMENTS.values():
        assert item.name.startswith("sagebridge_"), item.name
        assert item.name.endswith("_total") == (item.kind == "counter"), item.name
        assert bool(item.buckets) == (item.kind == "histogram"), item.name
        assert item.description.endswith("."), item.name
