"""A training script that fails the way scripts do: it expects a column that its data has not got."""

import csv
import os
from pathlib import Path


def main() -> None:
    files = sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*.csv"))
    with files[0].open(newline="") as file:
        columns = next(csv.reader(file))
    print(f"found {len(columns)} columns in {files[0].name}", flush=True)
    if "label" not in columns:
        raise KeyError("the column 'label' is not in the training data")


if __name__ == "__main__":
    main()
