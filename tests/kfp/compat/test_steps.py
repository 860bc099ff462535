"""What the former components' steps want, and what they give on."""

import json
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.compat import deployment
from sagebridge_kfp.compat.deployment import object_name
from sagebridge_kfp.ops import batch_transform, processing_job, training_job, tuning_job
from sagebridge_kfp.specs.errors import InputError
from support.kfp_compat_cases import OWN, RIGHT, ROLE, described
from support.kfp_steps import Ended, Runtime, execute

PYTORCH = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-{}:2.3.0-cpu-py311-ubuntu20.04-sagemaker"
TRAINED = {
    "trainingJobName": "team-churn-abc",
    "image": OWN,
    "modelArtifacts": {"s3ModelArtifacts": "s3://models/churn/model.tar.gz"},
}
TUNED = {
    "hyperParameterTuningJobName": "team-tune-abc",
    "best": {
        "trainingJobName": "team-tune-abc-003",
        "objectiveValue": 0.9,
        "tunedHyperParameters": {"layers": "3"},
    },
    "image": OWN,
    "modelArtifacts": {"s3ModelArtifacts": "s3://models/best/model.tar.gz"},
}
PROCESSED = {
    "processingJobName": "team-process-abc",
    "processingOutputConfig": {"outputs": [{"outputName": "out", "s3Output": {"s3Uri": "s3://out/"}}]},
}
GIVEN_ON = [
    (
        "train",
        training_job,
        TRAINED,
        {
            "model_artifact_url": "s3://models/churn/model.tar.gz",
            "job_name": "team-churn-abc",
            "training_image": OWN,
            "object_name": "made",
        },
    ),
    (
        "hyperparameter_tuning",
        tuning_job,
        TUNED,
        {
            "hpo_job_name": "team-tune-abc",
            "model_artifact_url": "s3://models/best/model.tar.gz",
            "best_job_name": "team-tune-abc-003",
            "best_hyperparameters": {"layers": "3"},
            "training_image": OWN,
            "object_name": "made",
        },
    ),
    (
        "deploy",
        deployment,
        {"endpointName": "team-churn-abc", "url": "https://runtime/x"},
        {"endpoint_name": "team-churn-abc", "object_name": "made"},
    ),
    (
        "batch_transform",
        batch_transform,
        {"outputPath": "s3://predictions/"},
        {"output_location": "s3://predictions/", "object_name": "made"},
    ),
    (
        "process",
        processing_job,
        PROCESSED,
        {"job_name": "team-process-abc", "output_artifacts": {"out": "s3://out/"}, "object_name": "made"},
    ),
]


def run(
    name: str, module: Any, directory: Path, monkeypatch: pytest.MonkeyPatch, status: dict[str, Any], **given: Any
) -> tuple[Runtime, Ended]:
    runtime = Runtime(status=status)
    monkeypatch.setattr(module, "run", runtime.run)
    return runtime, execute(f"compat.{name}", directory, **{**RIGHT[name], **given})


@pytest.mark.parametrize(("name", "module", "status", "wanted"), GIVEN_ON, ids=[each[0] for each in GIVEN_ON])
def test_what_is_given_on(
    name: str, module: Any, status: Any, wanted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, ended = run(name, module, tmp_path, monkeypatch, status)

    assert ended.parameters == wanted
    assert runtime.wanted[0].output_uri.startswith(str(tmp_path)), "the task is known by one of its outputs"


def test_the_fixed_hyperparameters_are_among_the_best_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed = {"static_parameters": '{"sagemaker_program": "train.py", "epochs": "1"}'}
    _, ended = run("hyperparameter_tuning", tuning_job, tmp_path, monkeypatch, TUNED, **fixed)

    assert ended.parameters["best_hyperparameters"] == {
        "sagemaker_program": "train.py",
        "epochs": "1",
        "layers": "3",
    }


@pytest.mark.parametrize(
    ("given", "wanted", "reason"),
    [
        ({"algorithm_name": "k-means"}, {"algorithm": {"name": "k-means"}}, "built in"),
        ({"algorithm_name": "DeepAR Forecasting"}, {"algorithm": {"name": "deepar"}}, "as it was called there"),
        ({"algorithm_name": "Seq2Seq Modeling"}, {"algorithm": {"name": "seq2seq"}}, "as it was called there"),
        ({"algorithm_name": "my-own"}, {"algorithmSpecification.algorithmName": "my-own"}, "an algorithm resource"),
    ],
)
def test_what_an_algorithm_s_name_means(
    given: Any, wanted: Any, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime, _ = run("train", training_job, tmp_path, monkeypatch, TRAINED, image="", **given)

    [made] = runtime.wanted
    specification = made.spec["algorithmSpecification"]
    said = {"algorithm": made.spec.get("algorithm")} | {
        f"algorithmSpecification.{name}": value for name, value in specification.items()
    }
    assert {key: said.get(key) for key in wanted} == wanted, reason


def test_a_description_goes_into_an_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"model_artifact_url": "s3://models/a.tar.gz", "environment": '{"WORKERS": 2}', "tags": {"a": "b"}}
    model = execute("compat.model", tmp_path / "model", **{**RIGHT["model"], **environment}).parameters["model_name"]

    runtime, _ = run("deploy", deployment, tmp_path, monkeypatch, {}, model_name_1=model, region="", tags={"c": 1})

    [wanted] = runtime.wanted
    assert wanted.spec == {
        "target": "SageMaker",
        "region": "eu-west-1",
        "roleArn": ROLE,
        "tags": [{"key": "a", "value": "b"}, {"key": "c", "value": "1"}],
        "models": [
            {
                "name": "churn",
                "primaryContainer": {
                    "image": OWN,
                    "modelDataUrl": "s3://models/a.tar.gz",
                    "environment": {"WORKERS": "2"},
                },
                "enableNetworkIsolation": True,
            }
        ],
        "productionVariants": [
            {
                "modelName": "churn",
                "variantName": "variant-name-1",
                "initialInstanceCount": 1,
                "instanceType": "ml.m4.xlarge",
                "initialVariantWeight": 1,
            }
        ],
    }


def test_a_description_goes_into_a_transform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, _ = run("batch_transform", batch_transform, tmp_path, monkeypatch, {})

    [wanted] = runtime.wanted
    assert "modelName" not in wanted.spec
    assert wanted.spec["roleArn"] == ROLE
    assert wanted.spec["model"] == {
        "primaryContainer": {"image": OWN, "modelDataUrl": "s3://models/model.tar.gz"},
    }


def test_a_transform_takes_a_model_of_sagemaker_s_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, _ = run("batch_transform", batch_transform, tmp_path, monkeypatch, {}, model_name="champion")

    assert runtime.wanted[0].spec["modelName"] == "champion"
    assert "model" not in runtime.wanted[0].spec


@pytest.mark.parametrize("name", ["deploy", "batch_transform"])
def test_an_image_that_only_trains_serves_by_its_counterpart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = {"image": PYTORCH.format("training"), "modelDataUrl": "s3://models/model.tar.gz"}
    argument = "model_name_1" if name == "deploy" else "model_name"
    given = {argument: described(primaryContainer=container), "instance_type_1": "ml.m5.large"}
    given = given if name == "deploy" else {argument: given[argument], "instance_type": "ml.m5.large"}

    runtime, _ = run(
        name, {"deploy": deployment, "batch_transform": batch_transform}[name], tmp_path, monkeypatch, {}, **given
    )

    spec = runtime.wanted[0].spec
    model = spec["models"][0] if name == "deploy" else spec["model"]
    assert "pytorch-inference:2.3" in model["primaryContainer"]["image"]


def test_two_variants_may_share_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"model_name_2": described(), "model_name_3": described("other"), "initial_variant_weight_3": "0"}
    runtime, _ = run("deploy", deployment, tmp_path, monkeypatch, {}, **given)

    spec = runtime.wanted[0].spec
    assert [each["name"] for each in spec["models"]] == ["churn", "other"]
    assert [(each["modelName"], each["initialVariantWeight"]) for each in spec["productionVariants"]] == [
        ("churn", 1),
        ("churn", 1),
        ("other", 0),
    ]


@pytest.mark.parametrize(
    ("second", "words", "reason"),
    [
        (described(enableNetworkIsolation=True), "another model called 'churn'", "one name for two"),
        (described("b", executionRoleArn=ROLE), "has the role", "an Endpoint has one role"),
        (described("b", region="us-east-1"), "is in us-east-1, and the endpoint in eu-west-1", "and one region"),
    ],
)
def test_models_that_do_not_go_together(
    second: str, words: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=f"^model_name_2: .*{words}"):
        run("deploy", deployment, tmp_path, monkeypatch, {}, model_name_2=second)


def test_a_second_model_s_region_is_not_lost_where_the_first_says_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"region": "", "model_name_1": described(region=""), "model_name_2": described("b", region="eu-west-1")}

    with pytest.raises(
        InputError, match=r"^model_name_2: is in eu-west-1, and the endpoint in the region of the tenant"
    ):
        run("deploy", deployment, tmp_path, monkeypatch, {}, **given)


def test_a_model_of_another_region_is_not_transformed_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^model_name: is in us-east-1, and region is eu-west-1"):
        run("batch_transform", batch_transform, tmp_path, monkeypatch, {}, model_name=described(region="us-east-1"))


@pytest.mark.parametrize(
    ("given", "name", "must_be_own", "annotations", "reason"),
    [
        ({}, "", True, {}, "an endpoint of the run's own"),
        ({"endpoint_name": "churn"}, "churn", True, {}, "one of that name, unless it is there"),
        (
            {"endpoint_name": "churn", "update_endpoint": "True"},
            "churn",
            False,
            {"sagebridge.io/adopt": "true"},
            "one of that name, also if it is there",
        ),
    ],
)
def test_whose_an_endpoint_is(
    given: dict[str, Any],
    name: str,
    must_be_own: bool,
    annotations: dict[str, str],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runtime, _ = run("deploy", deployment, tmp_path, monkeypatch, {}, **given)

    [wanted] = runtime.wanted
    found = (wanted.name, wanted.must_be_own, dict(wanted.annotations))
    assert found == (name, must_be_own, annotations), reason
    assert wanted.keeps
    assert wanted.spec.get("endpointName", "") == name
    assert "update_endpoint=True" in wanted.if_taken


def test_names_that_differ_by_case_are_two_objects() -> None:
    names = {object_name(name) for name in ("churn", "Churn", "CHURN", "x" * 63, "X" * 63)}

    assert len(names) == 5
    assert all(len(name) <= 63 and name == name.lower() for name in names)


def test_a_description_is_the_same_for_the_same_model(tmp_path: Path) -> None:
    first, second = (
        execute("compat.model", tmp_path / str(n), **RIGHT["model"]).parameters["model_name"] for n in range(2)
    )

    assert first == second
    assert json.loads(first)["modelName"] == "churn"
