"""Compares the predictions with the truth: python score.py s3://sagebridge-local/wine."""

import csv
import sys

import boto3


def read(bucket: str, key: str) -> dict[str, str]:
    body = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    return {name: value for name, value in csv.reader(body.splitlines())}  # noqa: C416  two columns, no more


bucket, _, prefix = sys.argv[1].removeprefix("s3://").partition("/")
predicted = read(bucket, f"{prefix}/predictions/unseen.csv.out")
truth = read(bucket, f"{prefix}/truth/truth.csv")
for name in list(predicted)[:3]:
    print(f"{name} is of cultivar {truth[name]}, predicted: {predicted[name]}")
right = sum(predicted[name] == truth[name] for name in truth)
print(f"{right} of {len(truth)} bottles are right")
