"""Asks an endpoint about bottles that no training job has seen, one request for each.

python invoke.py ENDPOINT --data s3://sagebridge-local/wine --bottles 3
"""

import argparse

import boto3


def lines(uri: str) -> list[str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode().splitlines()


def main() -> None:
    parser = argparse.ArgumentParser(description="Invoke an endpoint.")
    parser.add_argument("endpoint")
    parser.add_argument("--data", default="s3://sagebridge-local/wine", help="where data.py has written to")
    parser.add_argument("--bottles", type=int, default=3, help="how many")
    parser.add_argument("--target-model", help="which model of a multi-model endpoint")
    options = parser.parse_args()
    more = {"TargetModel": options.target_model} if options.target_model else {}
    runtime = boto3.client("sagemaker-runtime")
    truth = dict(line.split(",") for line in lines(f"{options.data}/truth/truth.csv"))
    for line in lines(f"{options.data}/unseen/unseen.csv")[: options.bottles]:
        name, _, row = line.partition(",")
        answer = runtime.invoke_endpoint(EndpointName=options.endpoint, ContentType="text/csv", Body=row, **more)
        predicted = answer["Body"].read().decode()
        print(f"{name} is of cultivar {truth[name]}; {answer['InvokedProductionVariant']} says {predicted}")


if __name__ == "__main__":
    main()
