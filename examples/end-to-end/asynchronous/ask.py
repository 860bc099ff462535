"""Asks about all unseen bottles at once, and about something that is no bottle.

python ask.py ENDPOINT s3://sagebridge-local/wine
"""

import sys
import time

import boto3

endpoint, data = sys.argv[1:]
s3, runtime = boto3.client("s3"), boto3.client("sagemaker-runtime")


def place(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def request(name: str, body: str) -> dict[str, str]:
    """Put a request on S3, and say that it is there. The reply comes at once: it names the places to look at."""
    uri = f"{data}/requests/{name}"
    s3.put_object(**place(uri), Body=body.encode(), ContentType="text/csv")
    return runtime.invoke_endpoint_async(EndpointName=endpoint, InputLocation=uri, ContentType="text/csv")


def answer(uri: str) -> str:
    """Wait for an object. (AWS can tell an SNS topic instead: notificationConfig.)"""
    while True:
        try:
            return s3.get_object(**place(uri))["Body"].read().decode()
        except s3.exceptions.NoSuchKey:
            time.sleep(0.5)


unseen = s3.get_object(**place(f"{data}/unseen/unseen.csv"))["Body"].read().decode().splitlines()
taken = request("unseen.csv", "\n".join(line.partition(",")[2] for line in unseen))
cultivars = answer(taken["OutputLocation"]).splitlines()
print(
    f"{len(cultivars)} answers in {taken['OutputLocation']}, such as {cultivars[0]} for {unseen[0].partition(',')[0]}"
)
taken = request("letters.csv", "a,b,c")
print(f"what failed is told in {taken['FailureLocation']}: {answer(taken['FailureLocation'])}")
