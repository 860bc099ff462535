"""Sends requests while an endpoint is updated, as its callers do; each asks again until it is answered.

python traffic.py ENDPOINT
"""

import sys
import time
from collections import Counter

import boto3

ROW = "13.9,1.8,2.4,17.5,105,2.8,3.1,0.3,2.0,5.6,1.05,3.2,1120"
TRIES = 20

endpoint = sys.argv[1]
sagemaker, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")


def is_updating() -> bool:
    return sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"] != "InService"


def ask() -> tuple[str, int]:
    """An answer, and how often it took to get it."""
    for attempt in range(1, TRIES + 1):
        try:
            answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=ROW)
        except runtime.exceptions.ModelError:
            continue
        return answer["Body"].read().decode(), attempt
    sys.exit(f"no answer in {TRIES} tries")


answers: Counter[str] = Counter()
failures = 0
while not is_updating():
    time.sleep(0.5)
while is_updating():
    answer, attempts = ask()
    answers[answer] += 1
    failures += attempts - 1
    time.sleep(0.1)
print(f"{answers.total()} requests were answered: {dict(answers)}; {failures} had to ask again")
