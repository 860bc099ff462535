"""The manifests of the examples and of the user guide, as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.validate import ParamValidator
from sagebridge.core.resolution import Part
from sagebridge.core.search.definition import definitions
from sagebridge.core.tuning import resolve, sections
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

from tests.unit.tuning.specs import context

ROOT = Path(__file__).parents[3]
EXAMPLES = [ROOT / "examples/digits/hptuningjob.yaml", *sorted((ROOT / "examples/hptuningjob").glob("*.yaml"))]
GUIDE = (ROOT / "docs/tuning.md").read_text()


def manifests() -> list[tuple[str, list[dict[str, Any]]]]:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    sources = [(path.name, path.read_text()) for path in EXAMPLES]
    sources += [(f"guide, block {number}", block) for number, block in enumerate(blocks)]
    return [(name, list(yaml.safe_load_all(text))) for name, text in sources]


@pytest.mark.parametrize(("name", "documents"), manifests(), ids=[name for name, _ in manifests()])
def test_becomes_a_valid_request(name: str, documents: list[dict[str, Any]]) -> None:
    specs = [item["spec"] for item in documents if item["kind"] == "HPTuningJob"]
    assert specs
    for spec in specs:
        parts = {path: Part(source_uri="s3://staging/sourcedir.tar.gz") for path in sections(spec)}
        parents = ("earlier",) if "warmStartConfig" in spec else ()
        request = to_request("CreateHyperParameterTuningJob", resolve(spec, context(parts=parts, parents=parents)))
        report = ParamValidator().validate(request, input_shape("CreateHyperParameterTuningJob"))
        assert not report.has_errors(), report.generate_report()
        assert definitions(request)


def test_the_guide_names_every_example() -> None:
    named = set(re.findall(r"examples/(?:digits|hptuningjob)/([a-z0-9-]+\.yaml)", GUIDE))
    assert named == {path.name for path in EXAMPLES}


def test_the_digits_example_has_six_trials_at_least() -> None:
    spec = yaml.safe_load(EXAMPLES[0].read_text())["spec"]
    assert spec["hyperParameterTuningJobConfig"]["resourceLimits"]["maxNumberOfTrainingJobs"] >= 6
