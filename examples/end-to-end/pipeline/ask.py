"""Asks about two bottles of which little was measured: python ask.py ENDPOINT."""

import json
import sys

import boto3

bottles = [
    {"alcohol": 13.9, "flavanoids": 3.1, "color_intensity": 5.6, "proline": 1120},
    {"alcohol": 13.1, "flavanoids": 0.7, "color_intensity": 7.9, "hue": 0.66, "od280": 1.7},
]
answer = boto3.client("sagemaker-runtime").invoke_endpoint(
    EndpointName=sys.argv[1], ContentType="application/json", Body=json.dumps(bottles)
)
for bottle, cultivar in zip(bottles, answer["Body"].read().decode().splitlines(), strict=True):
    print(f"{len(bottle)} of 13 measurements: cultivar {cultivar}")
