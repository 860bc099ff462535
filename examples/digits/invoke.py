"""Lets an endpoint read handwritten digits, through the AWS SDK, and counts what it reads right.

    python invoke.py ENDPOINT held-out.csv

The rows are those of data.py: the label, which stays here, and 64 pixel values.
"""

import argparse
from collections import Counter
from pathlib import Path

import boto3


def main() -> None:
    parser = argparse.ArgumentParser(description="Invoke an endpoint with handwritten digits.")
    parser.add_argument("endpoint", help="the endpoint's name in SageMaker")
    parser.add_argument("rows", type=Path, help="a CSV file of data.py")
    options = parser.parse_args()
    runtime = boto3.client("sagemaker-runtime")
    right, variants = 0, Counter()
    for line in options.rows.read_text().splitlines():
        label, _, pixels = line.partition(",")
        reply = runtime.invoke_endpoint(
            EndpointName=options.endpoint, ContentType="text/csv", Accept="text/csv", Body=pixels
        )
        variants[reply["InvokedProductionVariant"]] += 1
        right += reply["Body"].read().decode().split(",")[0].strip() == label
    answered = ", ".join(f"{name} {count}" for name, count in variants.items())
    print(f"{right} of {variants.total()} digits read right; answered by: {answered}")


if __name__ == "__main__":
    main()
