"""The example: handwritten digits, learned by examples/digits/train.py."""

import io
import tarfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sagebridge_local.runtime.run import OutcomeStatus

EXAMPLE = Path(__file__).parents[3] / "examples/digits"
METRICS = [
    {"Name": "validation:accuracy", "Regex": r"validation:accuracy=([0-9.]+)"},
    {"Name": "train:loss", "Regex": r"train:loss=([0-9.]+)"},
]


def _csv(rows: np.ndarray) -> str:
    buffer = io.StringIO()
    np.savetxt(buffer, rows, delimiter=",", fmt="%g")
    return buffer.getvalue()


def _request(bench: Any, script: str, epochs: int) -> tuple[dict[str, Any], np.ndarray]:
    # Takes seconds, and each worker collects this file.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    rows = np.column_stack([digits.target, digits.data])
    train, held_out = train_test_split(rows, test_size=0.25, random_state=0, stratify=digits.target)
    bench.put("digits/train/digits.csv", _csv(train))
    bench.put("digits/validation/digits.csv", _csv(held_out))
    request = bench.script(
        (EXAMPLE / script).read_text(),
        hyperparameters={"epochs": str(epochs), "checkpoint-dir": '"/opt/ml/checkpoints"'},
        InputDataConfig=[bench.channel(name, f"digits/{name}/") for name in ("train", "validation")],
        CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/ckpt"},
        algorithm={"MetricDefinitions": METRICS},
    )
    return request, held_out


async def test_it_learns_and_goes_on_from_its_checkpoint(bench: Any) -> None:
    request, held_out = _request(bench, "train.py", 8)
    first = await bench.run(request)
    assert first.status is OutcomeStatus.COMPLETED, first.failure_reason
    request["HyperParameters"]["epochs"] = "12"
    outcome = await bench.run(request)
    assert "resuming after epoch 8" in bench.log()
    with tarfile.open(fileobj=io.BytesIO(bench.get(outcome.model_artifacts)), mode="r:gz") as tar:
        file = tar.extractfile("model.joblib")
        assert file is not None
        model = joblib.load(io.BytesIO(file.read()))
    accuracy = model.score(held_out[:, 1:] / 16.0, held_out[:, 0])
    assert accuracy >= 0.95
    reported = {each["MetricName"]: each["Value"] for each in outcome.metrics}
    assert abs(reported["validation:accuracy"] - accuracy) < 0.001


async def test_the_failing_one_says_why(bench: Any) -> None:
    request, _ = _request(bench, "failing.py", 1)
    request["HyperParameters"].pop("checkpoint-dir")
    outcome = await bench.run(request)
    assert outcome.status is OutcomeStatus.FAILED
    assert "KeyError: \"the column 'label' is not in the training data\"" in outcome.failure_reason
