"""Where and how a component runs as a job: settled where the pipeline is compiled, and carried to the step's pod."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, Final, Self

from sagebridge_kfp.remote.images import check_image
from sagebridge_kfp.specs.channels import s3_uri
from sagebridge_kfp.specs.errors import InputError

TRAINING: Final = "Training"
PROCESSING: Final = "Processing"
SAGEMAKER: Final = "SageMaker"
CLUSTER: Final = "Cluster"

MOST_RESULTS_GB: Final = 10
"""How much of a job's results a step takes where nobody says: it lies on the disk of a node, which others use, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The arguments of `run_on_sagemaker`, with the image settled. Empty texts, zeros and empty objects are not given.

    Attributes:
        component: the component's name.
    """

    component: str
    instance_type: str
    staging: str
    image: str
    job: str = TRAINING
    target: str = SAGEMAKER
    instance_count: int = 1
    volume_size_gb: int = 0
    max_runtime_seconds: int = 0
    spot: bool = False
    max_wait_seconds: int = 0
    role_arn: str = ""
    region: str = ""
    subnets: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    retry_limit: int = 0
    deletion_policy: str = ""
    copy_inputs: bool = False
    max_results_gb: int = MOST_RESULTS_GB
    name: str = ""
    spec_overrides: Mapping[str, Any] = field(default_factory=dict)

    def to_text(self) -> str:
        """Return them as JSON, without what is as by default."""
        told = {key: value for key, value in asdict(self).items() if value != _DEFAULTS[key]}
        return json.dumps(told, sort_keys=True)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read what `to_text` wrote."""
        told: dict[str, Any] = json.loads(text)
        told |= {key: tuple(told[key]) for key in ("subnets", "security_group_ids") if key in told}
        return cls(**told)


def _default(each: Field[Any]) -> Any:
    """What a setting is that is not given; nothing that JSON has for one that must be."""
    return each.default if each.default_factory is MISSING else each.default_factory()


_DEFAULTS: Final = {each.name: _default(each) for each in fields(Settings)}


def check(settings: Settings, *, image: str) -> None:
    """Check what can be known before anything runs.

    Args:
        settings: all of them.
        image: the argument `image`, empty where the component's own is taken.

    Raises:
        InputError: one is wrong; names it.
    """
    _check_choices(settings)
    _check_companions(settings)
    if not settings.staging:
        message = "is missing: give an s3:// prefix, or set SAGEBRIDGE_KFP_STAGING where the pipeline is compiled"
        raise InputError("staging", message)
    s3_uri(settings.staging, "staging")
    if settings.target == SAGEMAKER:
        check_image(settings.image, given=image, job=settings.job, overrides=settings.spec_overrides)


def _check_choices(settings: Settings) -> None:
    for name, known in (("job", (TRAINING, PROCESSING)), ("target", (SAGEMAKER, CLUSTER))):
        if getattr(settings, name) not in known:
            raise InputError(name, f"must be {' or '.join(known)}, and is {getattr(settings, name)!r}")
    if not settings.instance_type:
        raise InputError("instance_type", "is missing")
    if settings.instance_count == 0:
        raise InputError("instance_count", "must be 1 or more, and is 0")
    if not isinstance(settings.copy_inputs, bool):
        raise InputError("copy_inputs", f"must be True or False, and is {settings.copy_inputs!r}")
    if isinstance(settings.max_results_gb, bool) or not isinstance(settings.max_results_gb, int):
        raise InputError("max_results_gb", f"must be a whole number, and is {settings.max_results_gb!r}")
    if settings.max_results_gb < 1:
        raise InputError("max_results_gb", f"must be 1 or more, and is {settings.max_results_gb}")


def _check_companions(settings: Settings) -> None:
    if settings.job == PROCESSING and settings.spot:
        on_cluster = settings.target == CLUSTER
        why = 'say cluster={"spot": "Prefer"}' if on_cluster else "SageMaker has no spot capacity for processing jobs"
        raise InputError("spot", f'is for job="Training": {why}')
    if settings.max_wait_seconds and not settings.spot:
        raise InputError("max_wait_seconds", "is for spot training: set spot=True, or leave it out")
    if settings.subnets and settings.target == CLUSTER:
        raise InputError("subnets", "is SageMaker's: on the cluster, a job is in its nodes' network")
    if bool(settings.subnets) != bool(settings.security_group_ids):
        raise InputError("subnets", "goes with security_group_ids: a job in a VPC needs both")
