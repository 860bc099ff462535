"""The examples are what SageMaker takes."""

from pathlib import Path

import pytest
import yaml
from sagebridge.core.endpoint.build import BuildContext, Served, build, containers_of
from sagebridge.core.endpoint.served import served_by, with_code
from sagebridge.core.serving import Place
from sagebridge.core.training.section import Section
from sagebridge.schema.convert import to_request

from tests.unit.endpoint.specs import IMAGE, OWNER, ROLE

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "endpoint").glob("*.yaml"))
TRAINED = Served(image=IMAGE, model_data_url="s3://my-bucket/trained/model.tar.gz")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_they_become_requests(path: Path) -> None:
    spec = yaml.safe_load(path.read_text())["spec"]
    place = Place(region="eu-west-1", instance_type="ml.m5.large", instance_field="spec")
    served = {}
    for model in spec.get("models", ()):
        for index, container in enumerate(containers_of(model)):
            section = Section.of(container, "spec.models")
            found = served_by(section, place, trained=None, pinned=TRAINED if section.has("modelRef") else None)
            if section.has("source"):
                found = with_code(found, section.section("source"), place, repacked_uri="s3://my-bucket/packed.tar.gz")
            served[(model["name"], index)] = found
    desired = build(spec, BuildContext(owner=OWNER, role_arn=ROLE, served=served))
    for model in desired.models:
        to_request("CreateModel", {**model.request, "modelName": model.name})
    to_request("CreateEndpointConfig", {**desired.config.request, "endpointConfigName": desired.config.name})
    if desired.deployment:
        names = {"endpointName": "e", "endpointConfigName": desired.config.name}
        to_request("UpdateEndpoint", {**names, "deploymentConfig": desired.deployment})
