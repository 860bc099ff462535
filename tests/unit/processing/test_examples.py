"""The manifests of the examples and of the user guide, as they stand."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.validate import ParamValidator
from sagebridge.core.processing import resolve
from sagebridge.core.source import pack_files
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

from tests.unit.processing.jobs import context

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples/processingjob").glob("*.yaml"))
GUIDE = (ROOT / "docs/processing.md").read_text()


def manifests() -> list[tuple[str, list[dict[str, Any]]]]:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    sources = [(path.name, path.read_text()) for path in EXAMPLES]
    sources += [(f"guide, block {number}", block) for number, block in enumerate(blocks)]
    return [(name, list(yaml.safe_load_all(text))) for name, text in sources]


@pytest.mark.parametrize(("name", "documents"), manifests(), ids=[name for name, _ in manifests()])
def test_becomes_a_valid_request(name: str, documents: list[dict[str, Any]]) -> None:
    config_maps = {item["metadata"]["name"]: item["data"] for item in documents if item["kind"] == "ConfigMap"}
    jobs = [item["spec"] for item in documents if item["kind"] == "ProcessingJob"]
    assert jobs
    for spec in jobs:
        code = (spec.get("source") or {}).get("configMap")
        if code:
            files = {key: text.encode() for key, text in config_maps[code["name"]].items()}
            pack_files(files, entry_point=spec["source"]["entryPoint"])
        given = context(region="us-east-1", source_uri="s3://staging/sourcedir.tar.gz" if code else None)
        request = to_request("CreateProcessingJob", resolve(spec, given))
        report = ParamValidator().validate(request, input_shape("CreateProcessingJob"))
        assert not report.has_errors(), report.generate_report()


def test_the_guide_names_every_example() -> None:
    named = set(re.findall(r"examples/processingjob/([a-z0-9-]+\.yaml)", GUIDE))
    assert named == {path.name for path in EXAMPLES}
