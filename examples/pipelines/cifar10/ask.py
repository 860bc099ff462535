"""Asks an endpoint what is in pictures, and counts what it tells right.

python ask.py ENDPOINT unseen.bin
"""

import argparse
from pathlib import Path

import boto3

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32


def main() -> None:
    parser = argparse.ArgumentParser(description="Ask an endpoint what is in pictures.")
    parser.add_argument("endpoint", help="the endpoint's name in SageMaker")
    parser.add_argument("pictures", type=Path, help="a file of data.py")
    options = parser.parse_args()
    content = options.pictures.read_bytes()
    records = [content[start : start + RECORD] for start in range(0, len(content), RECORD)]
    reply = boto3.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=options.endpoint,
        ContentType="application/octet-stream",
        Body=b"".join(record[1:] for record in records),
    )
    told = reply["Body"].read().decode().split()
    right = sum(CLASSES[record[0]] == name for record, name in zip(records, told, strict=True))
    print(f"{right} of {len(records)} pictures told right")


if __name__ == "__main__":
    main()
