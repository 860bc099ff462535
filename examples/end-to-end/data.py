"""Writes scikit-learn's wine data to S3 as CSV.

    python data.py s3://sagebridge-local/wine

The data are https://archive.ics.uci.edu/dataset/109: 13 measurements of each of 178 bottles, and which of three
cultivars the wine is made of. Two thirds of the bottles are for training, the others stay unseen.

    train/train.csv    the cultivar (0, 1 or 2), then 13 numbers: the label first, as XGBoost has it; no header
    unseen/unseen.csv  a name, then 13 numbers
    truth/truth.csv    the same names, and the cultivar that a model has to find
"""

import argparse
from collections.abc import Iterable

import boto3
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split


def csv(rows: Iterable[Iterable[object]]) -> bytes:
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the wine data to S3.")
    parser.add_argument("uri", help="s3://BUCKET/PREFIX; the bucket must be there")
    bucket, _, prefix = parser.parse_args().uri.removeprefix("s3://").rstrip("/").partition("/")
    measurements, cultivars = load_wine(return_X_y=True)
    rows = [
        (number, *row, cultivar) for number, (row, cultivar) in enumerate(zip(measurements, cultivars, strict=True))
    ]
    train, unseen = train_test_split(rows, train_size=2 / 3, random_state=16, stratify=cultivars)
    parts = {
        "train/train.csv": [(row[-1], *row[1:-1]) for row in train],
        "unseen/unseen.csv": [(f"bottle-{row[0]}", *row[1:-1]) for row in unseen],
        "truth/truth.csv": [(f"bottle-{row[0]}", row[-1]) for row in unseen],
    }
    s3 = boto3.client("s3")
    for name, part in parts.items():
        key = f"{prefix}/{name}" if prefix else name
        s3.put_object(Bucket=bucket, Key=key, Body=csv(part), ContentType="text/csv")
        print(f"{len(part)} bottles to s3://{bucket}/{key}")


if __name__ == "__main__":
    main()
