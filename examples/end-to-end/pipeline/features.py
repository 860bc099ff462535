"""The first container: turns what people measure, JSON by name and with gaps, into the rows that the model reads.

Trained on the same channel as the model, it learns each measurement's median, which fills the gaps.
"""

from __future__ import annotations  # the container's Python may be 3.9

import json
import os
from pathlib import Path

import numpy as np

COLUMNS = [
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280",
    "proline",
]


def main() -> None:
    files = sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv"))
    rows = np.concatenate([np.loadtxt(path, delimiter=",", ndmin=2) for path in files])
    medians = {column: float(np.median(rows[:, number])) for number, column in enumerate(COLUMNS, start=1)}
    Path(os.environ["SM_MODEL_DIR"], "medians.json").write_text(json.dumps(medians))
    print(f"the medians of {len(rows)} bottles: {medians}")


def model_fn(model_dir):
    return json.loads(Path(model_dir, "medians.json").read_text())


def input_fn(body, content_type):
    if content_type.partition(";")[0].strip() != "application/json":
        raise ValueError(f"give a list of bottles as application/json, not {content_type}")
    return json.loads(body)


def predict_fn(bottles, medians):
    gaps = [[column for column in COLUMNS if column not in bottle] for bottle in bottles]
    print(f"filled in: {gaps}", flush=True)
    return [[bottle.get(column, medians[column]) for column in COLUMNS] for bottle in bottles]


def output_fn(rows, accept):
    return "\n".join(",".join(map(str, row)) for row in rows), "text/csv"


if __name__ == "__main__":
    main()
