"""What is known of instance types: how many GPUs they have.

Source: https://aws.amazon.com/ec2/instance-types/#Accelerated_Computing and
https://aws.amazon.com/sagemaker/ai/pricing/ (which of them SageMaker has).
"""

from __future__ import annotations

from typing import Final

_ONE_FOUR_EIGHT: Final = {"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}

# GPUs by family and size; a size that is not named has one.
_GPUS: Final = {
    "g4dn": {"12xlarge": 4, "metal": 8},
    "g5": _ONE_FOUR_EIGHT,
    "g6": _ONE_FOUR_EIGHT,
    "g6e": _ONE_FOUR_EIGHT,
    "g7e": {"12xlarge": 2, "24xlarge": 4, "48xlarge": 8},
    "p2": {"8xlarge": 8, "16xlarge": 16},
    "p3": {"8xlarge": 4, "16xlarge": 8},
    "p3dn": {"24xlarge": 8},
    "p4d": {"24xlarge": 8},
    "p4de": {"24xlarge": 8},
    "p5": {"48xlarge": 8},
    "p5e": {"48xlarge": 8},
    "p5en": {"48xlarge": 8},
    "p6-b200": {"48xlarge": 8},
    "p6-b300": {"48xlarge": 8},
    "p6e-gb200": {"36xlarge": 4},
}


def is_accelerated(instance_type: str) -> bool:
    """Whether an instance type has GPUs or Trainium chips, judged by its family as AWS names them."""
    return _family(instance_type).startswith(("g", "p", "trn"))


def gpus_of(instance_type: str) -> int | None:
    """Return the GPUs of an instance type: 0 for a CPU, None for an accelerated family that is not known here."""
    family, size = _family(instance_type), instance_type.rpartition(".")[2]
    if family in _GPUS:
        return _GPUS[family].get(size, 1)
    return None if is_accelerated(instance_type) else 0


def _family(instance_type: str) -> str:
    return instance_type.removeprefix("ml.").partition(".")[0]
