"""Components as data scientists write them, and a pipeline of them."""

from typing import Any, NamedTuple

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output
from sagebridge_kfp import run_on_sagemaker

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
"""What stands for the local Python in local mode."""
STAGING = "s3://sagebridge-local/staging"
WHERE = {"instance_type": "ml.m5.large", "staging": STAGING}


@dsl.component(install_kfp_package=False)
def prepare(data: Output[Dataset], rows: int) -> None:
    """Write a table of points, and on which side of a line they are.

    Args:
        data: the table.
        rows: how many.
    """
    import csv
    import random

    chance = random.Random(0)
    points = [(chance.uniform(-1, 1), chance.uniform(-1, 1)) for _ in range(rows)]
    with open(data.path, "w", newline="") as file:  # noqa: PTH123
        csv.writer(file).writerows((x, y, int(2 * x - y > 0.1)) for x, y in points)
    data.metadata["rows"] = rows


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def fit(
    data: Input[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    epochs: int = 10,
    options: dict = {},  # noqa: B006
) -> NamedTuple("Fitted", [("accuracy", float), ("sizes", list), ("note", str)]):  # type: ignore[valid-type]
    """Find the line by logistic regression."""
    import csv
    import json
    import math
    from collections import namedtuple

    with open(data.path, newline="") as file:  # noqa: PTH123
        table = [(float(x), float(y), int(side)) for x, y, side in csv.reader(file)]
    training, held_out = table[: len(table) // 2], table[len(table) // 2 :]
    a, b, c = 0.0, 0.0, 0.0
    for _ in range(epochs):
        for x, y, side in training:
            slip = options.get("rate", 0.1) * (side - 1 / (1 + math.exp(-(a * x + b * y + c))))
            a, b, c = a + slip * x, b + slip * y, c + slip
    accuracy = sum((a * x + b * y + c > 0) == side for x, y, side in held_out) / len(held_out)
    with open(model.path, "w") as file:  # noqa: PTH123
        json.dump([a, b, c], file)
    model.metadata["epochs"] = epochs
    model.metadata["rows"] = data.metadata["rows"]
    metrics.log_metric("accuracy", accuracy)
    print(f"accuracy={accuracy}")
    return namedtuple("Fitted", ["accuracy", "sizes", "note"])(accuracy, [len(training), len(held_out), 0.5], "")


@dsl.component(install_kfp_package=False)
def judge(model: Input[Model], metrics: Input[Metrics], accuracy: float, sizes: list) -> str:
    """Look at what was trained, as any other step does."""
    import json

    with open(model.path) as file:  # noqa: PTH123
        a, b, _ = json.load(file)
    is_found = accuracy > 0.95 and abs(a / b + 2) < 0.3 and metrics.metadata["accuracy"] == accuracy
    return f"{is_found} after {model.metadata['epochs']} epochs, {sizes}, {model.metadata['rows']} rows"


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def break_down(number: int) -> float:
    """Fail."""
    print("dividing")
    return 1 / number


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def linger(seconds: int) -> int:
    """Take some time."""
    import time

    time.sleep(seconds)
    return seconds


@dsl.component(base_image=IMAGE)
def look(table: Input[Dataset], images: Input[Dataset]) -> list:
    """Say what is there."""
    from pathlib import Path

    beside = sorted(each.name for each in Path(table.path).parent.iterdir())
    below = sorted(str(each.relative_to(images.path)) for each in Path(images.path).rglob("*") if each.is_file())
    return [Path(table.path).read_text(), *beside, *below]


def pipeline_of(job: str) -> Any:
    """A pipeline whose middle step runs as a job."""
    remote_fit = run_on_sagemaker(fit, job=job, **WHERE)

    @dsl.pipeline(name=f"sides-{job.lower()}")
    def sides(rows: int = 401) -> str:
        prepared = prepare(rows=rows)
        fitted = remote_fit(data=prepared.outputs["data"], epochs=20, options={"rate": 0.5})
        judged = judge(
            model=fitted.outputs["model"],
            metrics=fitted.outputs["metrics"],
            accuracy=fitted.outputs["accuracy"],
            sizes=fitted.outputs["sizes"],
        )
        return judged.output

    return sides
