"""From where the images of jobs come."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_ECR: Final = re.compile(r"\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+/\S+")


def is_in_ecr(image: str) -> bool:
    """Whether an image is in a private registry of Amazon ECR."""
    return _ECR.fullmatch(image) is not None


def check_image(image: str, *, given: str, job: str, overrides: Mapping[str, Any]) -> None:
    """Check that SageMaker can pull an image.

    Args:
        image: the image that is to run.
        given: the argument `image`; empty where the image is the component's own `base_image`.
        job: `Training` or `Processing`.
        overrides: `spec_overrides`, which may say that the image is in a private registry in the job's VPC.

    Raises:
        InputError: it can't; names the argument to set.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/docker-containers-adapt-your-own-private-registry.html
    """
    if is_in_ecr(image) or _is_in_vpc(job, overrides):
        return
    whose = "is" if given else "is not given, and the component's base_image is"
    private = " or, for training, from a registry in your VPC (trainingImageConfig)" if job == "Training" else ""
    message = (
        f"{whose} {image!r}, which SageMaker does not pull: it pulls from private repositories of Amazon ECR{private}. "
        "Set image to one with Python 3.9 or newer, "
        "such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/python:3.11"
    )
    raise InputError("image", message)


def _is_in_vpc(job: str, overrides: Mapping[str, Any]) -> bool:
    value: Any = overrides
    for name in ("algorithmSpecification", "trainingImageConfig", "trainingRepositoryAccessMode"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return job == "Training" and value == "Vpc"
