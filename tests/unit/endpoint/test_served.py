"""Which image serves what a manifest refers to."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.endpoint.build import BuildContext, Served, build
from sagebridge.core.endpoint.served import check_code, served_by, with_code
from sagebridge.core.errors import SpecError
from sagebridge.core.serving import Place, trained_model, training_of_tuning
from sagebridge.core.training.section import Section

from tests.unit.endpoint.specs import IMAGE, OWNER, ROLE

PLACE = Place(region="eu-west-1", instance_type="ml.m5.large", instance_field="spec.productionVariants[0].instanceType")
GPU = Place(region="eu-west-1", instance_type="ml.g5.xlarge", instance_field="spec.productionVariants[0].instanceType")
ARTIFACTS = {"modelArtifacts": {"s3ModelArtifacts": "s3://models/best/model.tar.gz"}, "region": "eu-west-1"}


def section(**fields: Any) -> Section:
    return Section.of(fields, "spec.models[0]")


@pytest.mark.parametrize(
    ("reason", "container", "place", "words"),
    [
        (
            "a framework on a CPU",
            {"framework": {"name": "pytorch", "version": "2.3"}},
            PLACE,
            ("pytorch-inference", "cpu"),
        ),
        (
            "a framework on a GPU",
            {"framework": {"name": "pytorch", "version": "2.3"}},
            GPU,
            ("pytorch-inference", "gpu"),
        ),
        ("a built-in algorithm", {"algorithm": {"name": "xgboost", "version": "1.7-1"}}, PLACE, ("xgboost", "1.7-1")),
    ],
)
def test_images_are_looked_up(reason: str, container: dict[str, Any], place: Place, words: tuple[str, ...]) -> None:
    found = served_by(section(**container), place, trained=None, pinned=None)
    assert found.image is not None
    assert all(word in found.image for word in words), reason


def test_an_image_of_ones_own_is_left_alone() -> None:
    assert served_by(section(image=IMAGE), PLACE, trained=None, pinned=None) == Served()


def test_a_model_whose_object_is_gone_is_served_as_before() -> None:
    pinned = Served(image=IMAGE, model_data_url="s3://models/a.tar.gz")
    assert served_by(section(), PLACE, trained=None, pinned=pinned) == pinned


def test_inference_code_says_where_it_is() -> None:
    source = Section.of({"entryPoint": "inference.py"}, "spec.models[0].source")
    found = with_code(Served(image=IMAGE), source, PLACE, repacked_uri="s3://packed/model.tar.gz")
    assert found.model_data_url == "s3://packed/model.tar.gz"
    assert found.environment["SAGEMAKER_PROGRAM"] == "inference.py"
    assert found.environment["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"


def test_code_for_many_models_is_refused_with_the_way_out() -> None:
    with pytest.raises(SpecError, match=r"^spec\.models\[0\]\.source.*environment\.SAGEMAKER_SUBMIT_DIRECTORY"):
        check_code(section(mode="MultiModel", source={"entryPoint": "inference.py"}))


def test_code_for_one_model_is_not() -> None:
    check_code(section(mode="SingleModel", source={"entryPoint": "inference.py"}))
    check_code(section(source={"entryPoint": "inference.py"}))


@pytest.mark.parametrize(
    ("reason", "spec", "status", "image"),
    [
        (
            "an own image",
            {"trainingJobDefinition": {"algorithmSpecification": {"trainingImage": IMAGE}}},
            ARTIFACTS,
            IMAGE,
        ),
        (
            "a built-in algorithm",
            {"trainingJobDefinition": {"algorithm": {"name": "xgboost", "version": "1.7-1"}}},
            ARTIFACTS,
            "sagemaker-xgboost:1.7-1",
        ),
        (
            "a framework, by the patch that has trained it",
            {"trainingJobDefinition": {"framework": {"name": "pytorch"}}},
            ARTIFACTS | {"image": "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.3.0-gpu-py311"},
            "pytorch-inference:2.3.0-cpu",
        ),
        (
            "the only one of a list",
            {"trainingJobDefinitions": [{"algorithmSpecification": {"trainingImage": IMAGE}}]},
            ARTIFACTS,
            IMAGE,
        ),
        (
            "the definition that was best",
            {
                "trainingJobDefinitions": [
                    {"definitionName": "one", "algorithmSpecification": {"trainingImage": "other"}},
                    {"definitionName": "two", "algorithmSpecification": {"trainingImage": IMAGE}},
                ]
            },
            ARTIFACTS | {"bestTrainingJob": {"trainingJobDefinitionName": "two"}},
            IMAGE,
        ),
    ],
)
def test_the_best_of_a_tuning_job(reason: str, spec: dict[str, Any], status: dict[str, Any], image: str) -> None:
    training, shown = training_of_tuning(spec, status, PLACE, field="spec.models[0].modelRef")
    trained = trained_model(kind="HPTuningJob", name="search", spec=training, status=shown)
    found = served_by(section(), PLACE, trained=trained, pinned=None)
    assert found.model_data_url == "s3://models/best/model.tar.gz", reason
    assert found.image is not None
    assert image in found.image, reason


@pytest.mark.parametrize(
    ("reason", "spec", "status"),
    [
        ("one definition", {"trainingJobDefinition": {}}, {"sourceUri": "s3://code/two.tar.gz"}),
        (
            "the one that was best",
            {"trainingJobDefinitions": [{"definitionName": "one"}, {"definitionName": "two"}]},
            {
                "bestTrainingJob": {"trainingJobDefinitionName": "two"},
                "sourceUri": "s3://code/one.tar.gz",
                "sourceUris": {
                    "trainingJobDefinitions[0]": "s3://code/one.tar.gz",
                    "trainingJobDefinitions[1]": "s3://code/two.tar.gz",
                },
            },
        ),
    ],
)
def test_the_code_of_the_best(reason: str, spec: dict[str, Any], status: dict[str, Any]) -> None:
    _, shown = training_of_tuning(spec, ARTIFACTS | status, PLACE, field="spec.models[0].modelRef")
    assert shown["sourceUri"] == "s3://code/two.tar.gz", reason


def test_a_tuning_job_that_does_not_tell_its_best_definition() -> None:
    with pytest.raises(SpecError, match="which of its definitions was best"):
        training_of_tuning({"trainingJobDefinitions": []}, ARTIFACTS, PLACE, field="spec.models[0].modelRef")


def trained(**status: Any) -> Any:
    spec = {"framework": {"name": "pytorch"}, "outputDataConfig": {"compressionType": "NONE"}}
    shown = {"modelArtifacts": {"s3ModelArtifacts": "s3://models/files/"}, "image": "no.such/pytorch-training:9.9-gpu"}
    return trained_model(kind="TrainingJob", name="digits", spec=spec, status=shown | status, archive_only=False)


def test_an_image_of_ones_own_serves_what_was_trained_by_one_that_does_not() -> None:
    found = served_by(section(image=IMAGE), PLACE, trained=trained(), pinned=None)
    url = "s3://models/files/"
    assert found == Served(image=IMAGE, model_data_url=url, vouched_url=url)
    with pytest.raises(SpecError):
        served_by(section(), PLACE, trained=trained(), pinned=None)


def test_files_that_no_archive_holds_are_served_where_they_lie() -> None:
    served = {("m", 0): Served(image=IMAGE, model_data_url="s3://models/files")}
    variant = {"variantName": "a", "modelName": "m", "instanceType": "ml.m5.large"}
    spec = {"models": [{"name": "m"}], "productionVariants": [variant]}
    found = build(spec, BuildContext(owner=OWNER, role_arn=ROLE, served=served))
    assert found.models[0].request["primaryContainer"] == {
        "image": IMAGE,
        "modelDataSource": {
            "s3DataSource": {"s3Uri": "s3://models/files/", "s3DataType": "S3Prefix", "compressionType": "None"}
        },
    }
