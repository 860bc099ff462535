"""Writes scikit-learn's handwritten digits to S3 as CSV, and keeps rows apart that no training job sees.

    python data.py s3://sagebridge-local/digits --held-out held-out.csv

The data are the test set of https://archive.ics.uci.edu/dataset/80: 1,797 digits of 8x8 pixels. A row is the label and
64 pixel values from 0 to 16. Of every class, 60 % go to `train/`, 20 % to `validation/`, and 20 % to `held-out/`, which
is written to a file of this machine, too.
"""

import argparse
import io
from pathlib import Path

import boto3
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def split(*, seed: int) -> dict[str, np.ndarray]:
    pixels, labels = load_digits(return_X_y=True)
    rows = np.column_stack([labels, pixels]).astype(int)
    train, rest = train_test_split(rows, train_size=0.6, random_state=seed, stratify=rows[:, 0])
    validation, held_out = train_test_split(rest, train_size=0.5, random_state=seed, stratify=rest[:, 0])
    return {"train": train, "validation": validation, "held-out": held_out}


def csv(rows: np.ndarray) -> bytes:
    text = io.StringIO()
    np.savetxt(text, rows, fmt="%d", delimiter=",")
    return text.getvalue().encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the handwritten digits to S3.")
    parser.add_argument("uri", help="s3://BUCKET/PREFIX; the bucket must be there")
    parser.add_argument("--held-out", type=Path, default=Path("held-out.csv"), help="a file for the held-out rows")
    parser.add_argument("--parts", type=int, default=1, help="in how many objects the training data comes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    bucket, _, prefix = options.uri.removeprefix("s3://").rstrip("/").partition("/")
    parts = split(seed=options.seed)
    s3 = boto3.client("s3")
    for name, rows in parts.items():
        # Several objects, so that several hosts can have some each (ShardedByS3Key).
        count = options.parts if name == "train" else 1
        for number, part in enumerate(np.array_split(rows, count), start=1):
            file = f"{name}.csv" if count == 1 else f"{name}-{number}.csv"
            key = "/".join(filter(None, [prefix, name, file]))
            s3.put_object(Bucket=bucket, Key=key, Body=csv(part), ContentType="text/csv")
            print(f"{len(part)} digits to s3://{bucket}/{key}")
    options.held_out.write_bytes(csv(parts["held-out"]))
    print(f"the held-out ones to {options.held_out}, too")


if __name__ == "__main__":
    main()
