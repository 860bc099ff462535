"""The manifests of the examples and of the user guide, as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.validate import ParamValidator
from sagebridge.core.source import pack_files
from sagebridge.core.training import resolve, source_object
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

from tests.unit.training.jobs import context

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples/trainingjob").glob("*.yaml"))
GUIDE = (ROOT / "docs/training.md").read_text()


def manifests() -> list[tuple[str, list[dict[str, Any]]]]:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    sources = [(path.name, path.read_text()) for path in EXAMPLES]
    sources += [(f"guide, block {number}", block) for number, block in enumerate(blocks)]
    return [(name, list(yaml.safe_load_all(text))) for name, text in sources]


@pytest.mark.parametrize(("name", "documents"), manifests(), ids=[name for name, _ in manifests()])
def test_becomes_a_valid_request(name: str, documents: list[dict[str, Any]]) -> None:
    config_maps = {item["metadata"]["name"]: item["data"] for item in documents if item["kind"] == "ConfigMap"}
    jobs = [item["spec"] for item in documents if item["kind"] == "TrainingJob"]
    assert jobs
    for spec in jobs:
        code = source_object(spec)
        if code is not None:
            files = {name: text.encode() for name, text in config_maps[code].items()}
            pack_files(files, entry_point=spec["source"]["entryPoint"])
        given = context(
            region="us-east-1",
            source_uri="s3://staging/sourcedir.tar.gz" if code else None,
            model_artifact="s3://bucket/model.tar.gz" if "modelRef" in spec else None,
        )
        request = to_request("CreateTrainingJob", resolve(spec, given))
        report = ParamValidator().validate(request, input_shape("CreateTrainingJob"))
        assert not report.has_errors(), report.generate_report()


def test_guide_names_every_example_and_no_other() -> None:
    named = set(re.findall(r"examples/trainingjob/([a-z-]+\.yaml)", GUIDE))
    shown_inline = {"builtin-xgboost.yaml", "own-image.yaml", "script-configmap-sklearn.yaml", "script-s3-pytorch.yaml"}
    assert named | shown_inline | {"serverless-fine-tuning.yaml"} == {path.name for path in EXAMPLES}


def test_script_of_the_config_map_example_trains(tmp_path: Path) -> None:
    documents = yaml.safe_load_all((ROOT / "examples/trainingjob/script-configmap-sklearn.yaml").read_text())
    script = next(item for item in documents if item["kind"] == "ConfigMap")["data"]["train.py"]
    (tmp_path / "train.py").write_text(script)
    data, model = tmp_path / "data", tmp_path / "model"
    data.mkdir()
    model.mkdir()
    from sklearn.datasets import load_digits  # takes seconds, and each worker collects this file

    digits = load_digits()
    rows = [",".join(map(str, [label, *row])) for label, row in zip(digits.target, digits.data, strict=True)]
    (data / "part.csv").write_text("\n".join(rows[:500]))
    environment = {**os.environ, "SM_CHANNEL_TRAIN": str(data), "SM_MODEL_DIR": str(model)}
    command = [sys.executable, "train.py", "--n-estimators", "20", "--max-depth", "12"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert re.search(r"train accuracy: ([0-9.]+)", ended.stdout)
    assert (model / "model.joblib").exists()
