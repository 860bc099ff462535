"""What a step wants, and what it gives on, as kfp's executor runs it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.ops import delete, invoke_endpoint
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.failure import StepFailedError
from support.kfp_cases import CASES, Case, case
from support.kfp_steps import component, execute, spec_of, use_runtime

TRAINED = {
    "trainingJobName": "team-made-abcdefghij",
    "trainingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:training-job/team-made-abcdefghij",
    "image": "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-xgboost:1.7-1",
    "modelArtifacts": {"s3ModelArtifacts": "s3://models/made/output/model.tar.gz"},
    "finalMetricDataList": [
        {"metricName": "validation:merror", "value": 0.04},
        {"metricName": "train:merror", "value": 0},
    ],
}
TUNED = {
    "hyperParameterTuningJobName": "team-tune-abcdefghij",
    "best": {
        "trainingJobName": "team-tune-abcdefghij-003-x",
        "trainingJobDefinitionName": "trial",
        "objectiveValue": 0.031,
        "tunedHyperParameters": {"max_depth": "7", "eta": "0.2"},
    },
    "images": {"trial": "xgboost:1.7-1", "other": "pytorch:2"},
    "modelArtifacts": {"s3ModelArtifacts": "s3://models/best/output/model.tar.gz"},
}
INPUTS = case("TrainingJobOp", "builtin-algorithm").inputs
TUNING_INPUTS = case("HPTuningJobOp", "builtin-algorithm").inputs


@pytest.mark.parametrize("given", CASES, ids=[f"{each.op}-{each.reason}" for each in CASES])
def test_a_step_wants_one_object_of_its_kind_with_the_spec(
    given: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = use_runtime(monkeypatch, given.op, TUNED if given.op == "HPTuningJobOp" else {})

    execute(given.op, tmp_path, **given.inputs)

    [wanted] = runtime.wanted
    assert wanted.kind == component(given.op).kind
    assert wanted.spec == spec_of(given.op, **given.inputs)


@pytest.mark.parametrize(
    "given", [each for each in CASES if each.op != "EndpointOp"], ids=lambda each: f"{each.op}-{each.reason}"
)
def test_a_job_is_known_by_its_run_or_by_an_output_of_its_task(
    given: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = use_runtime(monkeypatch, given.op, TUNED if given.op == "HPTuningJobOp" else {})

    execute(given.op, tmp_path, **{**given.inputs, "name": "digits"})

    [wanted] = runtime.wanted
    assert (wanted.name, wanted.readable, wanted.keeps) == ("", "digits", False)
    assert wanted.output_uri.startswith(str(tmp_path))


def test_a_training_job_gives_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "TrainingJobOp", TRAINED)

    ended = execute("TrainingJobOp", tmp_path, **INPUTS, objective_metric="validation:merror")

    assert ended.parameters == {
        "model_uri": "s3://models/made/output/model.tar.gz",
        "image": TRAINED["image"],
        "job_name": "team-made-abcdefghij",
        "object_name": "made",
        "final_metrics": {"validation:merror": 0.04, "train:merror": 0.0},
        "objective": 0.04,
    }
    assert ended.metadata["metrics"] == {"validation:merror": 0.04, "train:merror": 0.0}
    assert ended.metadata["model"] == {
        "model_uri": "s3://models/made/output/model.tar.gz",
        "job_name": "team-made-abcdefghij",
        "job_arn": TRAINED["trainingJobArn"],
        "image": TRAINED["image"],
        "framework": "xgboost",
    }
    assert json.loads(ended.contents["model"]) == ended.metadata["model"], "the artifact is a pointer"


def test_a_job_without_model_and_metrics_gives_on_empty_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "TrainingJobOp", {})

    ended = execute("TrainingJobOp", tmp_path, **INPUTS)

    assert ended.parameters == {
        "model_uri": "",
        "image": "",
        "job_name": "",
        "object_name": "made",
        "final_metrics": {},
        "objective": 0.0,
    }


def test_a_metric_that_was_not_told_fails_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "TrainingJobOp", TRAINED)

    with pytest.raises(InputError, match="it has told: train:merror, validation:merror"):
        execute("TrainingJobOp", tmp_path, **INPUTS, objective_metric="accuracy")


def test_a_tuning_job_gives_on_what_trains_its_best_model_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_runtime(monkeypatch, "HPTuningJobOp", TUNED)
    hyperparameters = {"num_round": 20, "eta": 0.3, "verbose": True}

    ended = execute("HPTuningJobOp", tmp_path, **{**TUNING_INPUTS, "hyperparameters": hyperparameters})

    assert ended.parameters == {
        "best_hyperparameters": {"num_round": "20", "eta": "0.2", "verbose": "true", "max_depth": "7"},
        "best_objective": 0.031,
        "best_job_name": "team-tune-abcdefghij-003-x",
        "model_uri": "s3://models/best/output/model.tar.gz",
        "image": "xgboost:1.7-1",
        "job_name": "team-tune-abcdefghij",
        "object_name": "made",
    }
    assert ended.metadata["metrics"] == {"validation:merror": 0.031}
    assert ended.metadata["model"]["model_uri"] == "s3://models/best/output/model.tar.gz"


@pytest.mark.parametrize("told", [{}, {"objectiveValue": None}, {"objectiveValue": "nan"}, {"objectiveValue": "inf"}])
def test_a_search_without_an_objective_is_no_success(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_runtime(monkeypatch, "HPTuningJobOp", {**TUNED, "best": told})

    with pytest.raises(StepFailedError, match="has found no best trial"):
        execute("HPTuningJobOp", tmp_path, **TUNING_INPUTS)


def test_a_metric_whose_definition_matched_nothing_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "TrainingJobOp", TRAINED)

    with pytest.raises(InputError, match=r"no line of its log matched metric_definitions\.accuracy"):
        execute(
            "TrainingJobOp",
            tmp_path,
            **INPUTS,
            objective_metric="accuracy",
            metric_definitions={"accuracy": "accuracy=(.*)"},
        )


def test_a_model_is_told_of_though_its_objective_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "TrainingJobOp", {"modelArtifacts": {"s3ModelArtifacts": "s3://models/a"}})

    with pytest.raises(InputError, match="told no metric 'auc'"):
        execute("TrainingJobOp", tmp_path, **INPUTS, objective_metric="auc")

    assert json.loads((tmp_path / "model").read_text())["model_uri"] == "s3://models/a"


def test_the_best_hyperparameters_are_inputs_of_a_training_job() -> None:
    spec = spec_of("TrainingJobOp", **{**INPUTS, "hyperparameters": {"num_round": "20", "eta": "0.2"}})

    assert spec["hyperParameters"] == {"num_round": "20", "eta": "0.2"}


def test_a_batch_transform_gives_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_runtime(monkeypatch, "BatchTransformOp", {"outputPath": "s3://out/made", "transformJobName": "job"})

    ended = execute("BatchTransformOp", tmp_path, **case("BatchTransformOp", "training-job").inputs)

    assert ended.parameters == {"output_uri": "s3://out/made", "job_name": "job", "object_name": "made"}
    assert json.loads(ended.contents["predictions"]) == {"output_uri": "s3://out/made", "job_name": "job"}


def outputs(**uris: str) -> dict[str, Any]:
    return {"outputs": [{"outputName": name, "s3Output": {"s3Uri": uri}} for name, uri in uris.items()]}


@pytest.mark.parametrize(
    ("config", "uris", "uri", "reason"),
    [
        (outputs(train="s3://a/"), {"train": "s3://a/"}, "s3://a/", "one output is what a channel takes"),
        (outputs(a="s3://a/", b="s3://b/"), {"a": "s3://a/", "b": "s3://b/"}, "", "of two, none is the one"),
        ({"outputs": [{"outputName": "f", "featureStoreOutput": {}}]}, {}, "", "the Feature Store is not on S3"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_a_processing_job_gives_on(
    config: Any, uris: Any, uri: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = {"processingJobName": "job", "exitMessage": "7 rows", "processingOutputConfig": config}
    use_runtime(monkeypatch, "ProcessingJobOp", status)

    ended = execute("ProcessingJobOp", tmp_path, **case("ProcessingJobOp", "script").inputs)

    assert (ended.parameters["output_uris"], ended.parameters["output_uri"]) == (uris, uri), reason
    assert ended.parameters["exit_message"] == "7 rows"
    assert ended.parameters["job_name"] == "job"


def test_an_endpoint_has_the_name_it_is_given_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status = {"endpointName": "team-digits-abcdefghij", "url": "https://runtime/endpoints/x/invocations"}
    runtime = use_runtime(monkeypatch, "EndpointOp", status)

    ended = execute("EndpointOp", tmp_path, **case("EndpointOp", "framework").inputs)

    [wanted] = runtime.wanted
    assert (wanted.name, wanted.keeps) == ("digits", True)
    assert wanted.output_uri == str(tmp_path / "deployment"), "tells the task on a laptop"
    assert json.loads(ended.contents["deployment"]) == {
        "endpoint_name": "team-digits-abcdefghij",
        "endpoint_url": "https://runtime/endpoints/x/invocations",
        "model_uri": "s3://models/model.tar.gz",
    }
    assert ended.parameters == {
        "endpoint_name": "team-digits-abcdefghij",
        "endpoint_url": "https://runtime/endpoints/x/invocations",
        "object_name": "digits",
    }


def test_what_is_to_be_deleted_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deleted: list[tuple[str, str, bool]] = []
    monkeypatch.setattr(delete, "delete", lambda kind, name, *, wait: deleted.append((kind, name, wait)))

    execute("DeleteOp", tmp_path, kind="Endpoint", name="digits", wait=False)

    assert deleted == [("Endpoint", "digits", False)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The requests that steps make; each is answered by its own body."""
    requests: list[Any] = []

    def answer(endpoint: Any, request: Any) -> bytes:
        requests.append((endpoint, request))
        return bytes(request.body)

    monkeypatch.setattr(invoke_endpoint, "get", lambda kind, name: {"kind": kind, "metadata": {"name": name}})
    monkeypatch.setattr(invoke_endpoint, "invoke", answer)
    return requests


def test_text_is_sent_as_it_is(asked: list[Any], tmp_path: Path) -> None:
    ended = execute("InvokeEndpointOp", tmp_path, endpoint="digits", payload="1,2,3", timeout_seconds=7)

    [(endpoint, request)] = asked
    assert endpoint == {"kind": "Endpoint", "metadata": {"name": "digits"}}
    assert (request.body, request.content_type, request.timeout_seconds) == (b"1,2,3", "text/csv", 7)
    assert ended.parameters == {"response": "1,2,3"}
    assert ended.contents["body"] == b"1,2,3"


def test_json_is_sent_with_whole_numbers(asked: list[Any], tmp_path: Path) -> None:
    execute("InvokeEndpointOp", tmp_path, endpoint="digits", payload_json={"instances": [[1, 2.5]]})

    [(_, request)] = asked
    assert (request.body, request.content_type) == (b'{"instances": [[1, 2.5]]}', "application/json")


def test_a_file_is_sent_byte_by_byte(asked: list[Any], tmp_path: Path) -> None:
    image = tmp_path / "digit.png"
    image.write_bytes(b"\x89PNG\xff")

    ended = execute(
        "InvokeEndpointOp", tmp_path, files={"payload_file": image}, endpoint="digits", content_type="image/png"
    )

    [(_, request)] = asked
    assert (request.body, request.content_type) == (b"\x89PNG\xff", "image/png")
    assert ended.parameters == {"response": ""}, "what is no text is no parameter"
    assert ended.contents["body"] == b"\x89PNG\xff"


def test_a_long_answer_is_an_artifact_only(asked: list[Any], tmp_path: Path) -> None:
    ended = execute("InvokeEndpointOp", tmp_path, endpoint="digits", payload="7" * 100_001)

    assert ended.parameters == {"response": ""}
    assert len(ended.contents["body"]) == 100_001


@pytest.mark.parametrize(
    ("payload", "field"),
    [({}, "payload"), ({"payload": "1", "payload_json": {"a": 1}}, "payload_json")],
    ids=["nothing", "two"],
)
def test_exactly_one_payload(payload: dict[str, Any], field: str, asked: list[Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        execute("InvokeEndpointOp", tmp_path, endpoint="digits", **payload)

    assert refused.value.field == field
    assert asked == []
