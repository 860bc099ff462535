"""Texts and parameters of any type as inputs; UPDATE_GOLDENS=1 writes the golden again."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl, local
from kfp.local import config
from sagebridge_kfp import EndpointOp, HPTuningJobOp, InvokeEndpointOp, TrainingJobOp, compat
from sagebridge_kfp.specs.errors import InputError
from support import kfp_goldens
from support.kfp_compat_cases import RIGHT

GOLDEN = Path(__file__).parents[1] / "goldens" / "compat.yaml"


def compiled(pipeline: Any, directory: Path) -> dict[str, Any]:
    path = directory / "compiled.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return next(yaml.safe_load_all(path.read_text()))


def inputs_of(specification: dict[str, Any], task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A task's arguments, and the types that its component has for them."""
    found = specification["root"]["dag"]["tasks"][task]
    declared = specification["components"][found["componentRef"]["name"]]["inputDefinitions"]["parameters"]
    return found["inputs"]["parameters"], {name: each["parameterType"] for name, each in declared.items()}


def value(argument: dict[str, Any]) -> Any:
    return argument["runtimeValue"]["constant"]


CONSTANTS = [
    ("instance_count", "3", 3.0, "NUMBER_INTEGER"),
    ("network_isolation", "False", False, "BOOLEAN"),
    ("hyperparameters", '{"epochs": "50"}', {"epochs": "50"}, "STRUCT"),
    ("hyperparameters", {"epochs": 50}, {"epochs": 50.0}, "STRUCT"),
    ("debug_rule_config", "[]", [], "LIST"),
    ("job_name", "churn", "churn", "STRING"),
    ("job_name", 4711, "4711", "STRING"),
]


@pytest.mark.parametrize(("name", "given", "wanted", "kind"), CONSTANTS)
def test_a_text_is_read_where_the_pipeline_is_compiled(
    name: str, given: Any, wanted: Any, kind: str, tmp_path: Path
) -> None:
    def train() -> None:
        compat.train(**{**RIGHT["train"], name: given})

    arguments, types = inputs_of(compiled(dsl.pipeline(train, name="p"), tmp_path), "compat-train")

    assert (value(arguments[name]), types[name]) == (wanted, kind)


def test_a_description_is_cached_whatever_it_is_called(tmp_path: Path) -> None:
    def describe() -> None:
        compat.model(**{**RIGHT["model"], "model_name": "churn"})

    [task] = compiled(dsl.pipeline(describe, name="p"), tmp_path)["root"]["dag"]["tasks"].values()

    assert task["cachingOptions"] == {"enableCache": True}


def test_an_empty_text_leaves_the_default(tmp_path: Path) -> None:
    def train() -> None:
        compat.train(**{**RIGHT["train"], "network_isolation": "", "instance_count": ""})

    arguments, _ = inputs_of(compiled(dsl.pipeline(train, name="p"), tmp_path), "compat-train")

    assert not {"network_isolation", "instance_count"} & arguments.keys()


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"instance_count": "two"}, InputError, "instance_count: must be a whole number"),
        ({"instance_cont": "2"}, TypeError, 'unexpected keyword argument "instance_cont"'),
        ({"channels": ""}, TypeError, "missing 1 required argument: channels"),
    ],
)
def test_what_is_wrong_fails_where_the_pipeline_is_compiled(given: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        dsl.pipeline(lambda: compat.train(**{**RIGHT["train"], **given}) and None, name="p")


@dsl.pipeline(name="parameters")
def parameters(count: str, bucket: str, hyperparameters: dict, share: float, role: str = "") -> None:
    compat.train(
        **{
            **RIGHT["train"],
            "role": role,
            "instance_count": count,
            "volume_size": share,
            "hyperparameters": hyperparameters,
            "channels": f'[{{"ChannelName": "train", "DataSource": {{"S3DataSource": {{"S3Uri": "{bucket}/"}}}}}}]',
            "tags": {"bucket": bucket},
        }
    )


def test_parameters_of_any_type_are_inputs(tmp_path: Path) -> None:
    _, types = inputs_of(compiled(parameters, tmp_path), "compat-train")

    assert {name: types[name] for name in ("instance_count", "volume_size", "hyperparameters", "channels", "tags")} == {
        "instance_count": "STRING",
        "volume_size": "NUMBER_DOUBLE",
        "hyperparameters": "STRUCT",
        "channels": "STRING",
        "tags": "STRUCT",
    }
    assert types["network_isolation"] == "BOOLEAN", "the others keep their types"


@dsl.pipeline(name="composed")
def composed(role: str, spot: str = "False") -> None:
    """Ours and theirs, in both directions."""
    tuned = compat.hyperparameter_tuning(**{**RIGHT["hyperparameter_tuning"], "role": role, "spot_instance": spot})
    again = compat.train(**{**RIGHT["train"], "hyperparameters": tuned.outputs["best_hyperparameters"]})
    own = TrainingJobOp(
        image=again.outputs["training_image"],
        instance_type="ml.m5.large",
        hyperparameters=tuned.outputs["best_hyperparameters"],
    )
    searched = HPTuningJobOp(
        image=own.outputs["image"],
        instance_type="ml.m5.large",
        objective_metric="accuracy",
        metric_definitions={"accuracy": "a=(.*)"},
    )
    compat.train(
        **{
            **RIGHT["train"],
            "image": searched.outputs["image"],
            "hyperparameters": searched.outputs["best_hyperparameters"],
        }
    )
    model = compat.model(
        **{
            **RIGHT["model"],
            "model_name": again.outputs["job_name"],
            "image": again.outputs["training_image"],
            "model_artifact_url": own.outputs["model_uri"],
        }
    )
    compat.batch_transform(**{**RIGHT["batch_transform"], "model_name": model.outputs["model_name"]})
    prepared = compat.process(**RIGHT["process"])
    deployed = compat.deploy(
        region="eu-west-1",
        model_name_1=model.outputs["model_name"],
        endpoint_name="churn",
        update_endpoint="True",
        tags=prepared.outputs["output_artifacts"],
    )
    InvokeEndpointOp(endpoint=deployed.outputs["object_name"], payload="1")
    EndpointOp(
        name="own",
        model_uri=again.outputs["model_artifact_url"],
        image=again.outputs["training_image"],
        instance_type="ml.m5.large",
    )


def test_the_golden_pipeline(tmp_path: Path) -> None:
    kfp_goldens.check(composed, GOLDEN, tmp_path)


def test_kfp_takes_the_golden_pipeline() -> None:
    kfp_goldens.check_shape(GOLDEN)
    assert kfp_goldens.name_of(GOLDEN) == "composed"


def test_what_a_parameter_brings_is_read_in_the_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config.LocalExecutionConfig, "instance", None)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path))

    with pytest.raises(RuntimeError, match="'compat-train'"):
        parameters(count="two", bucket="s3://data", hyperparameters={}, share=30.0)

    assert "instance_count: must be a whole number, and is 'two'" in capfd.readouterr().out
