"""What an image means here: a script, a command, or a refusal that says what to do."""

import json
import sys
from typing import Any

import pytest
from sagebridge_local.runtime.run import OutcomeStatus

OWN_IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/team/trainer:3"
XGBOOST = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"

TELL = """
import json, os, pathlib, sys
told = {"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": dict(os.environ)}
told["hyperparameters"] = json.loads(pathlib.Path("input/config/hyperparameters.json").read_text())
told["resources"] = json.loads(pathlib.Path("input/config/resourceconfig.json").read_text())
pathlib.Path("model/told.json").write_text(json.dumps(told))
"""


async def _told(bench: Any, request: Any, **options: Any) -> Any:
    outcome = await bench.run(request, **options)
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    return json.loads(bench.archive(outcome.model_artifacts)["told.json"])


@pytest.mark.parametrize("key", [OWN_IMAGE, "*/team/*"])
async def test_a_mapped_command_stands_for_the_image(bench: Any, key: str) -> None:
    request = bench.request(image=OWN_IMAGE, hyperparameters={"depth": "3"}, Environment={"MODE": "fast"})
    told = await _told(bench, request, images={key: [sys.executable, "-c", TELL]})
    assert told["arguments"] == ["train"]
    assert told["directory"] == str(bench.work_dir / "algo-1/ml")
    assert told["hyperparameters"] == {"depth": "3"}
    assert told["resources"]["hosts"] == ["algo-1"]
    assert told["environment"]["MODE"] == "fast"
    assert told["environment"]["SM_HP_DEPTH"] == "3"
    assert told["environment"]["TRAINING_JOB_NAME"] == "digits-1"


async def test_container_arguments_take_the_place_of_train(bench: Any) -> None:
    request = bench.request(image=OWN_IMAGE, algorithm={"ContainerArguments": ["--out", "/opt/ml/model"]})
    told = await _told(bench, request, images={OWN_IMAGE: [sys.executable, "-c", TELL]})
    assert told["arguments"] == ["--out", str(bench.work_dir / "algo-1/ml/model")]


async def test_a_framework_image_runs_a_given_entrypoint(bench: Any) -> None:
    algorithm = {"ContainerEntrypoint": ["python", "-c", TELL], "ContainerArguments": ["x"]}
    assert (await _told(bench, bench.request(algorithm=algorithm)))["arguments"] == ["x"]


@pytest.mark.parametrize(
    ("reason", "image", "hyperparameters"),
    [
        ("an own image", OWN_IMAGE, {}),
        ("a built-in algorithm, in an image that can do script mode, too", XGBOOST, {"num_round": "10"}),
    ],
)
async def test_other_images_are_refused_with_the_ways_out(
    bench: Any, reason: str, image: str, hyperparameters: dict[str, str]
) -> None:
    outcome = await bench.run(bench.request(image=image, hyperparameters=hyperparameters))
    assert outcome.status is OutcomeStatus.FAILED, reason
    assert f"can't run the image {image}" in outcome.failure_reason
    assert "start Docker" in outcome.failure_reason
    assert f"--image-map '{image}=COMMAND'" in outcome.failure_reason


async def test_an_own_command_fails_with_its_failure_file(bench: Any) -> None:
    script = "import pathlib, sys; pathlib.Path('output/failure').write_text('bad data ' * 500); sys.exit(9)"
    outcome = await bench.run(bench.request(image=OWN_IMAGE), images={OWN_IMAGE: [sys.executable, "-c", script]})
    assert outcome.failure_reason.startswith("AlgorithmError: bad data bad data")
    assert outcome.failure_reason.endswith(", exit code: 9")
    assert len(outcome.failure_reason) == 1024
    assert outcome.exit_code == 9


async def test_an_own_command_fails_without_one(bench: Any) -> None:
    images = {OWN_IMAGE: [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]}
    outcome = await bench.run(bench.request(image=OWN_IMAGE), images=images)
    assert outcome.failure_reason == "AlgorithmError: , exit code: 137"


async def test_a_command_that_is_not_there(bench: Any) -> None:
    outcome = await bench.run(bench.request(image=OWN_IMAGE), images={OWN_IMAGE: ["no-such-program-anywhere"]})
    assert outcome.failure_reason.startswith("AlgorithmError: no-such-program-anywhere can't be started")
