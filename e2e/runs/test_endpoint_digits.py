"""The manifests that serve the digits' training job: trained by its script, served by its inference code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from integration.operator.serving import Serving

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples/digits"
EXAMPLE = ROOT / "examples/endpoint/from-training-job.yaml"
PAGE = ROOT / "docs/endpoints.md"


@pytest.fixture
def serving(really_serving: Serving) -> Serving:
    return really_serving


def on_the_page() -> str:
    """The manifest of the page's first steps."""
    return re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]


def trained(serving: Serving, work: Path) -> list[str]:
    """Train as the README does; the held-out rows."""
    command = [sys.executable, str(DIGITS / "data.py"), "s3://sagebridge-local/digits", "--held-out", "rows.csv"]
    subprocess.run(command, cwd=work, env=os.environ | serving.world.simulator.aws_environment, check=True)
    code = {path.name: path.read_text() for path in (DIGITS / "train.py", DIGITS / "inference.py")}
    serving.world.put_config_map("digits-code", code)
    manifest = yaml.safe_load((DIGITS / "trainingjob.yaml").read_text())
    serving.world.jobs.create(manifest["metadata"]["name"], manifest["spec"])
    return (work / "rows.csv").read_text().splitlines()


def read(serving: Serving, endpoint: str, row: str) -> str:
    """How an endpoint reads a digit."""
    reply: Any = serving.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body=row
    )
    return str(reply["Body"].read().decode().strip())


def test_what_it_has_trained_is_served(serving: Serving, tmp_path: Path) -> None:
    rows = trained(serving, tmp_path)[:40]
    for text in (EXAMPLE.read_text(), on_the_page()):
        manifest = yaml.safe_load(text)
        name = manifest["metadata"]["name"]
        serving.objects.create(name, manifest["spec"])
        status = serving.at_rest(name)["status"]
        assert status["servedModels"][0]["containers"][0]["modelRef"]["name"] == "digits"
        answers = [
            (row.partition(",")[0], read(serving, status["endpointName"], row.partition(",")[2])) for row in rows
        ]
        assert sum(label == answer for label, answer in answers) >= 36
        serving.objects.patch(name, {"spec": {"replicas": 2}})
        assert serving.at_rest(name)["status"]["replicas"] == 2, "scaled, as the page tells"
        serving.objects.delete(name)
        serving.objects.wait_gone(name)


def test_it_stands_beside_the_readmes_own() -> None:
    names = {
        yaml.safe_load(text)["metadata"]["name"]
        for text in ((DIGITS / "endpoint.yaml").read_text(), EXAMPLE.read_text(), on_the_page())
    }
    assert names == {"digits", "digits-trained"}
