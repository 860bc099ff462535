"""Reads the predictions of the batch transform, shows the first ones, and counts what is right.

    python score.py s3://BUCKET/digits/predictions/held-out.csv.out

A line has the digit's label, which was kept from the model, and what the model has read.
"""

import argparse

import boto3


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare a batch transform's predictions with the labels.")
    parser.add_argument("uri", help="the output on S3")
    parser.add_argument("--show", type=int, default=3, help="how many lines to show")
    options = parser.parse_args()
    bucket, _, key = options.uri.removeprefix("s3://").partition("/")
    text = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    rows = [line.split(",") for line in text.splitlines()]
    for label, read in rows[: options.show]:
        print(f"{label} was read as {read}")
    print(f"{sum(label == read for label, read in rows)} of {len(rows)} digits are right")


if __name__ == "__main__":
    main()
