"""What a process needs to talk to the local SageMaker instead of AWS."""

import os
from collections.abc import Mapping

REGION = "us-east-1"
ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/sagebridge-local"
BUCKET = "sagebridge-local"
DUMMY_KEY = "local"


_LOOPBACK = ("127.0.0.1", "localhost")


def no_proxy(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that keep programs from asking a proxy for what is on this machine.

    Args:
        variables: The environment, whose own exceptions stay.
    """
    given = variables.get("no_proxy") or variables.get("NO_PROXY") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, given.split(",")), *_LOOPBACK]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def environment(endpoint_url: str, *, region: str = REGION) -> dict[str, str]:
    """Return the variables that point any AWS SDK at an endpoint, with credentials that are worth nothing.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    return no_proxy() | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": DUMMY_KEY,
        "AWS_SECRET_ACCESS_KEY": DUMMY_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
