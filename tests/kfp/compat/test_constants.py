"""Constants that the step is certain to refuse are refused where the pipeline is compiled, whatever the others are."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from sagebridge_kfp import compat
from sagebridge_kfp.specs.errors import InputError
from support.kfp_compat_cases import BESIDE, CHANGED, RIGHT

from .test_arguments import WRONG, spec


def compile_one(name: str, inputs: dict[str, Any]) -> None:
    """Compile a pipeline with one task, whose role, and what else is a function, are only known in a run."""

    @dsl.pipeline(name="one")
    def one(text: str = "") -> None:
        unknown = {} if name in {"deploy", "batch_transform"} else {"role": text}
        given = {key: value(text) if callable(value) else value for key, value in inputs.items()}
        getattr(compat, name)(**{**given, **unknown})


def refusal(name: str, inputs: dict[str, Any]) -> str:
    """What is refused where the pipeline is compiled; empty where nothing is, or kfp misses what is empty."""
    try:
        compile_one(name, inputs)
    except InputError as error:
        return str(error)
    except TypeError:
        return ""
    return ""


REFUSED = [
    ("train", {"instance_count": "0"}, "instance_count: must be 1 or more, and is 0"),
    ("train", {"instance_count": "-1"}, "instance_count: must be 0 or more, and is -1"),
    ("train", {"instance_type": "m5.large"}, "instance_type: .*is ml.m5.large meant"),
    ("train", {"training_input_mode": "Files"}, "training_input_mode: must be one of"),
    ("train", {"hyperparameters": '{"layers": [1]}'}, "hyperparameters.layers: must be a text, a number"),
    ("train", {"channels": '[{"Chanel": "a"}]'}, "channels: .*is not a member of Channel"),
    ("train", {"checkpoint_config": '{"LocalPath": "/c"}'}, "checkpoint_config.s3Uri: is missing"),
    ("train", {"endpoint_url": "http://localhost"}, "endpoint_url: steps do not call SageMaker"),
    ("train", {"job_name": "my job"}, "job_name: must match"),
    ("hyperparameter_tuning", {"strategy": "Guess"}, "strategy: must be one of"),
    ("hyperparameter_tuning", {"max_num_jobs": "0"}, "max_num_jobs: must be 1 or more"),
    ("batch_transform", {"split_type": "Lines"}, "split_type: must be one of"),
    ("process", {"volume_size": "99999999"}, "volume_size: must be 16384 or less"),
    ("model", {"secondary_containers": '[{"Imag": "a"}]'}, "secondary_containers: .*is not a member of"),
    ("deploy", {"endpoint_config_name": "churn"}, "endpoint_config_name: the operator makes the configurations"),
]


@pytest.mark.parametrize(("name", "wrong", "words"), REFUSED, ids=[f"{each[0]}-{n}" for n, each in enumerate(REFUSED)])
def test_what_is_certain_to_be_refused(name: str, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=f"^{words}"):
        compile_one(name, {**RIGHT[name], **wrong})


@pytest.mark.parametrize(
    ("name", "wrong"), [each[:2] for each in WRONG], ids=[f"{each[0]}-{each[2]}-{n}" for n, each in enumerate(WRONG)]
)
def test_it_is_refused_in_the_words_of_the_step_or_left_to_it(
    name: str, wrong: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError) as of_step:
        spec(name, tmp_path, monkeypatch, **{**RIGHT[name], **wrong})

    assert refusal(name, {**RIGHT[name], **wrong}) in {"", str(of_step.value)}


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name, changed in CHANGED.items() for argument in changed]
)
def test_right_ones_are_taken(name: str, argument: str) -> None:
    beside = BESIDE.get((name, argument), {})
    compile_one(name, {**RIGHT[name], **beside, argument: CHANGED[name][argument]})


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"instance_type": lambda text: text}, "a parameter"),
        ({"instance_type": lambda text: f"m5.{text}"}, "a text with a parameter in it"),
        ({"hyperparameters": lambda text: {"layers": text, "trees": [1]}}, "an object with a parameter in it"),
        ({"job_name": dsl.PIPELINE_JOB_NAME_PLACEHOLDER}, "a placeholder"),
    ],
    ids=["a parameter", "a text", "an object", "a placeholder"],
)
def test_what_is_only_known_in_a_run_is_left_to_the_step(inputs: dict[str, Any], reason: str) -> None:
    compile_one("train", {**RIGHT["train"], **inputs})
