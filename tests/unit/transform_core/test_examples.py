"""The manifests of the examples, as they stand."""

import re
from pathlib import Path

import pytest
import yaml
from botocore.validate import ParamValidator
from sagebridge.core.names import Owner
from sagebridge.core.resolution import ResolveContext
from sagebridge.core.serving import ModelContext, trained_model
from sagebridge.core.source import pack_files
from sagebridge.core.transform import model_of, resolve
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples/batchtransform").glob("*.yaml"))
GUIDE = (ROOT / "docs/batch-transform.md").read_text()
ROLE = "arn:aws:iam::123456789012:role/r"
IMAGES = {
    "builtin-xgboost": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    "script-s3-pytorch": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_becomes_valid_requests(path: Path) -> None:
    documents = list(yaml.safe_load_all(path.read_text()))
    files = {item["metadata"]["name"]: item["data"] for item in documents if item["kind"] == "ConfigMap"}
    [spec] = [item["spec"] for item in documents if item["kind"] == "BatchTransform"]
    if "source" in spec:
        code = files[spec["source"]["configMap"]["name"]]
        pack_files({name: text.encode() for name, text in code.items()}, entry_point=spec["source"]["entryPoint"])
    model = model_of(spec, model_context(spec))
    if model is not None:
        check("CreateModel", {**model, "modelName": "made"})
    context = ResolveContext(
        job_name="job",
        region="us-east-1",
        role_arn=ROLE,
        output_path="s3://b/n/o",
        model_name="made" if model else None,
    )
    check("CreateTransformJob", resolve(spec, context))


def model_context(spec: dict) -> ModelContext:
    trained = None
    if "modelRef" in spec:
        name = spec["modelRef"]["name"]
        manifest = yaml.safe_load((ROOT / f"examples/trainingjob/{name}.yaml").read_text())
        status = {
            "image": IMAGES[name],
            "region": "us-east-1",
            "modelArtifacts": {"s3ModelArtifacts": "s3://b/model.tar.gz"},
        }
        trained = trained_model(kind="TrainingJob", name=name, spec=manifest["spec"], status=status)
    return ModelContext(
        region="us-east-1",
        role_arn=ROLE,
        instance_type=spec["transformResources"]["instanceType"],
        instance_field="spec.transformResources.instanceType",
        owner=Owner(cluster="c", namespace="n", name="o", uid="u"),
        trained=trained,
        repacked_uri="s3://b/sagebridge/n/o/model/x/model.tar.gz" if "source" in spec else None,
    )


def check(operation: str, spec: dict) -> None:
    report = ParamValidator().validate(to_request(operation, spec), input_shape(operation))
    assert not report.has_errors(), report.generate_report()


def test_the_guide_names_every_example() -> None:
    assert set(re.findall(r"examples/batchtransform/([a-z-]+\.yaml)", GUIDE)) == {path.name for path in EXAMPLES}
