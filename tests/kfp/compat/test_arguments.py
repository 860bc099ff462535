"""Each argument of each former component: it is there, with its default, and becomes what the page says."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.compat import training
from sagebridge_kfp.compat.arguments import Argument, Required, blamed, read
from sagebridge_kfp.compat.parsing import Parser, boolean, listing, mapping, number, text, whole
from sagebridge_kfp.compat.shared import readable
from sagebridge_kfp.ops import training_job
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.failure import StepFailedError
from support.kfp_compat import ARGUMENTS, spec
from support.kfp_compat_cases import BESIDE, CHANGED, RIGHT, described
from support.kfp_former import FORMER, OUTPUTS
from support.kfp_steps import component, execute

EVERY = [(name, each) for name, arguments in ARGUMENTS.items() for each in arguments]
KEPT = [(name, each) for name, each in EVERY if each.path]
REFUSED = [(name, each) for name, each in EVERY if each.refusal]
TYPES: dict[Any, Parser] = {"Dict": mapping, "List": listing, "Integer": whole, "Float": number, "Boolean": boolean}


def ids(given: Any) -> str:
    return given.name if isinstance(given, Argument) else str(given)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """All that a spec says, by path."""
    if isinstance(value, dict) and value:
        return {key: leaf for name, item in value.items() for key, leaf in leaves(item, f"{path}.{name}").items()}
    if isinstance(value, list) and value:
        return {key: leaf for n, item in enumerate(value) for key, leaf in leaves(item, f"{path}.{n}").items()}
    return {path.removeprefix("."): value}


@pytest.mark.parametrize("name", FORMER)
def test_every_argument_is_there_with_its_default(name: str) -> None:
    former = FORMER[name]
    inputs = {key: each for key, each in component(f"compat.{name}").component_spec.inputs.items() if key != "run_id"}

    assert inputs.keys() == former.keys()
    assert {each.name for each in ARGUMENTS[name]} == former.keys()
    for argument, default in former.items():
        parse = TYPES.get(inputs[argument].type.partition("[")[0], text)
        assert inputs[argument].optional == (default is not None), argument
        assert parse(inputs[argument].default, argument) == (default and parse(default, argument)) or default == ""


@pytest.mark.parametrize(("name", "argument"), EVERY, ids=ids)
def test_the_default_of_the_table_is_that_of_the_component(name: str, argument: Argument) -> None:
    default = inspect.signature(component(f"compat.{name}").python_func).parameters[argument.name].default

    assert (Required if default is inspect.Parameter.empty else default) == argument.default


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_is_there(name: str) -> None:
    outputs = component(f"compat.{name}").component_spec.outputs

    assert set(OUTPUTS[name]) <= outputs.keys()
    added = outputs.keys() - set(OUTPUTS[name])
    assert {each for each in added if not outputs[each].type.startswith("system.")} <= {"object_name"}


def test_every_argument_that_is_kept_has_a_sample() -> None:
    assert {(name, each.name) for name, each in KEPT} == {
        (name, argument) for name, samples in CHANGED.items() for argument in samples
    }


@pytest.mark.parametrize(("name", "argument"), KEPT, ids=ids)
def test_an_argument_becomes_what_the_page_says(
    name: str, argument: Argument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = BESIDE.get((name, argument.name), {})
    base = {**RIGHT[name], **beside}
    if argument.name in {"algorithm_name", "model_package", "secondary_containers"}:
        base = RIGHT[name]
    elif argument.name in {"vpc_subnets", "vpc_security_group_ids", "warm_start_type", "parent_hpo_jobs"}:
        base = (
            {**base, argument.name: "zero"}
            if argument.name != "warm_start_type"
            else base | {"warm_start_type": "IdenticalDataAndAlgorithm"}
        )
    changed = {**RIGHT[name], **beside, argument.name: CHANGED[name][argument.name]}

    before = leaves(spec(name, tmp_path / "before", monkeypatch, **base))
    after = leaves(spec(name, tmp_path / "after", monkeypatch, **changed))

    different = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    field = field_of(name, argument)
    assert any(f"{path}.".startswith(f"{field}.") for path in different & after.keys()), different


def field_of(name: str, argument: Argument) -> str:
    """Where it is, in what describes a model."""
    if name != "model":
        return argument.path
    return {"roleArn": "executionRoleArn"}.get(argument.path, argument.path)


@pytest.mark.parametrize(("name", "argument"), REFUSED, ids=ids)
def test_what_can_t_be_kept_is_refused_with_the_reason(
    name: str, argument: Argument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as refused:
        spec(name, tmp_path, monkeypatch, **{**RIGHT[name], argument.name: "something"})

    assert (refused.value.field, refused.value.message) == (argument.name, argument.refusal)


TRAIN, TUNE, MODEL, DEPLOY = (RIGHT[name] for name in ("train", "hyperparameter_tuning", "model", "deploy"))
WRONG = [
    ("train", {"instance_count": "two"}, "instance_count", "must be a whole number"),
    ("train", {"instance_count": "0"}, "instance_count", "must be 1 or more, and is 0"),
    ("train", {"volume_size": 0}, "volume_size", "must be 1 or more, and is 0"),
    ("process", {"max_run_time": "0"}, "max_run_time", "must be 1 or more, and is 0"),
    ("hyperparameter_tuning", {"max_parallel_jobs": "0"}, "max_parallel_jobs", "must be 1 or more, and is 0"),
    ("train", {"model_artifact_path": "s3://b/{{$.pipeline_job_uuid}}/"}, "model_artifact_path", "has not filled in"),
    ("train", {"hyperparameters": '{"run": "{{workflow.uid}}"}'}, "hyperparameters.run", "{{workflow.uid}} in it"),
    ("process", {"container_arguments": '["a", "{{$.pipeline_job_name}}"]'}, "container_arguments.1", "not filled in"),
    ("train", {"job_name": "a" * 64}, "job_name", "may have 63"),
    ("deploy", {"endpoint_name": "-a"}, "endpoint_name", "must match"),
    ("deploy", {"endpoint_name": "a" * 64}, "endpoint_name", "may have 63"),
    ("train", {"spot_instance": "True", "max_wait_time": "-1"}, "max_wait_time", "must be 1 or more"),
    ("train", {"image": "", "algorithm_name": "xgboost:"}, "algorithm_name", ""),
    ("hyperparameter_tuning", {"spot_instance": True, "max_wait_time": -1}, "max_wait_time", "must be 1 or more"),
    ("deploy", {"model_name_1": described(executionRoleArn="role")}, "model_name_1", "must be the ARN of a role"),
    ("batch_transform", {"model_name": described(executionRoleArn="role")}, "model_name", "must be the ARN of a role"),
    ("train", {"spot_instance": "perhaps"}, "spot_instance", "must be True or False"),
    ("train", {"hyperparameters": "[1]"}, "hyperparameters", "must be an object"),
    ("train", {"channels": "{}"}, "channels", "must be a list"),
    ("train", {"channels": ""}, "channels", "is empty"),
    ("train", {"channels": "[{]"}, "channels", "neither JSON nor YAML"),
    ("train", {"channels": '["train"]'}, "channels", "is not what the API's CreateTrainingJob.InputDataConfig is"),
    ("train", {"channels": '[{"Chanel": "a"}]'}, "channels", "is not a member of Channel"),
    ("train", {"channels": '[{"InputMode": "File"}]'}, "channels.0", "has no ChannelName"),
    ("train", {"channels": '[{"ChannelName": "a"}, {"ChannelName": "a"}]'}, "channels.1", "is the second one"),
    ("train", {"channels": '[{"ChannelName": "a"}]'}, "channels.a.dataSource", "is missing"),
    ("train", {"algorithm_name": "xgboost"}, "algorithm_name", "is given beside image"),
    ("train", {"image": ""}, "image", "say what trains"),
    ("train", {"vpc_subnets": "subnet-1"}, "vpc_subnets", "without vpc_security_group_ids"),
    ("train", {"vpc_security_group_ids": "sg-1"}, "vpc_security_group_ids", "without vpc_subnets"),
    ("train", {"model_artifact_path": "models"}, "model_artifact_path", "must be an s3:// URI"),
    ("train", {"training_input_mode": "Files"}, "training_input_mode", "must be one of"),
    ("train", {"job_name": "my job"}, "job_name", "must match"),
    ("train", {"tags": '{"team": ["a"]}'}, "tags.team", "must be a text"),
    ("train", {"checkpoint_config": '{"LocalPath": "/c"}'}, "checkpoint_config.s3Uri", "is missing"),
    ("hyperparameter_tuning", {"metric_type": "Best"}, "metric_type", "must be one of"),
    ("hyperparameter_tuning", {"metric_name": ""}, "metric_name", "is empty"),
    ("hyperparameter_tuning", {"strategy": "Guess"}, "strategy", "must be one of"),
    ("hyperparameter_tuning", {"parent_hpo_jobs": "a"}, "parent_hpo_jobs", "without warm_start_type"),
    ("hyperparameter_tuning", {"warm_start_type": "TransferLearning"}, "warm_start_type", "without parent_hpo_jobs"),
    ("hyperparameter_tuning", {"categorical_parameters": '[{"Name": "a"}]'}, "categorical_parameters.a", "a list"),
    ("hyperparameter_tuning", {"resource_encryption_key": "k" * 3000}, "resource_encryption_key", "characters"),
    ("model", {"image": "", "model_artifact_url": ""}, "image", "say what serves"),
    ("model", {"model_package": "churn"}, "image", "is given beside model_package"),
    ("model", {"secondary_containers": '[{"Image": "a"}]'}, "image", "beside secondary_containers"),
    ("model", {"model_name": "my model"}, "model_name", "letters, digits and hyphens"),
    ("model", {"environment": '{"A": []}'}, "environment.A", "must be a text"),
    ("deploy", {"model_name_1": "churn"}, "model_name_1", "give the output of model"),
    ("deploy", {"model_name_1": "{}"}, "model_name_1", "is not what model gives on"),
    ("deploy", {"model_name_1": ""}, "model_name_1", "is empty"),
    ("deploy", {"model_name_1": "{churn"}, "model_name_1", "neither a model's name nor"),
    ("deploy", {"instance_type_2": "ml.c5.large"}, "instance_type_2", "without model_name_2"),
    ("deploy", {"update_endpoint": "True"}, "update_endpoint", "give endpoint_name"),
    ("deploy", {"initial_variant_weight_1": "-1"}, "initial_variant_weight_1", "or more"),
    ("deploy", {"tags": {"a": "1"}, "endpoint_config_tags": {"a": "2"}}, "tags.a", "'2' elsewhere"),
    ("deploy", {"endpoint_name": "my endpoint"}, "endpoint_name", "must match"),
    ("batch_transform", {"model_name": "{}"}, "model_name", "is not what model gives on"),
    ("batch_transform", {"split_type": "Lines"}, "split_type", "must be one of"),
    ("batch_transform", {"join_source": "Both"}, "join_source", "must be one of"),
    ("batch_transform", {"input_location": "data"}, "input_location", "must be an s3:// URI"),
    ("process", {"image": ""}, "image", ""),
    ("process", {"output_config": '[{"OutputName": "a", "S3Output": {"S3Uri": 3}}]'}, "output_config.a", ""),
    ("process", {"container_entrypoint": "[[1]]"}, "container_entrypoint.0", "must be a text"),
]


@pytest.mark.parametrize(
    ("name", "wrong", "field", "words"), WRONG, ids=[f"{each[0]}-{each[2]}-{n}" for n, each in enumerate(WRONG)]
)
def test_what_is_wrong_is_told_by_the_arguments_name(
    name: str, wrong: dict[str, Any], field: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as refused:
        spec(name, tmp_path, monkeypatch, **{**RIGHT[name], **wrong})

    assert refused.value.field.startswith(field)
    assert words in refused.value.message


def test_a_field_that_no_argument_has_made_keeps_its_name() -> None:
    assert blamed(training.ARGUMENTS, "spec.retryStrategy.limit") == "spec.retryStrategy.limit"
    assert blamed(training.ARGUMENTS, "spec_overrides.vpcConfig") == "spec_overrides.vpcConfig"


@pytest.mark.parametrize(
    ("given", "wanted", "reason"),
    [("", "", "each step has its own name then"), ("Churn_1.Model", "churn-1-model", "a name in Kubernetes")],
)
def test_what_an_object_s_name_begins_with(given: str, wanted: str, reason: str) -> None:
    assert readable(given) == wanted, reason


def test_a_failed_job_is_no_wrong_argument(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(wanted: Any) -> Any:
        raise StepFailedError("AlgorithmError")

    monkeypatch.setattr(training_job, "run", fail)

    with pytest.raises(StepFailedError, match="AlgorithmError"):
        execute("compat.train", tmp_path, **TRAIN)


def test_read_takes_only_what_is_an_argument() -> None:
    given = {"count": " 3 ", "model": object()}

    assert read([Argument(name="count", parse=whole, default=1)], given) == {"count": 3}
