"""What is known of instance types: how many GPUs they have, by the table that places jobs on the cluster.

Source: https://aws.amazon.com/ec2/instance-types/#Accelerated_Computing
"""

from __future__ import annotations

from sagebridge.core.placement import find


def is_accelerated(instance_type: str) -> bool:
    """Whether an instance type has GPUs or Trainium chips, judged by its family as AWS names them."""
    return instance_type.removeprefix("ml.").startswith(("g", "p", "trn"))


def gpus_of(instance_type: str) -> int | None:
    """Return the GPUs of an instance type: 0 for a CPU, None for an accelerated one without any, or not known here."""
    found = find(instance_type)
    gpus = found.gpus if found is not None else 0
    return None if not gpus and is_accelerated(instance_type) else gpus
