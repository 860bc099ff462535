"""What SageMaker does for a BatchTransform and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.refusals import ON_THE_NODES_DISK, SERVICE, Refusal, refuse
from sagebridge.core.cluster.serving.refusals import CONTAINER_REFUSALS, MODEL_REFUSALS, check_model

if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSALS: Final = (
    Refusal(
        field="modelName",
        why="it is a model in SageMaker, which pods can't serve; give modelRef, or model with its image and "
        "modelDataUrl",
    ),
    Refusal(field="experimentConfig", why=SERVICE),
    Refusal(field="transformResources.volumeKmsKeyId", why=ON_THE_NODES_DISK),
    Refusal(
        field="transformResources.transformAmiVersion",
        why="what is on a node is a matter of the node's own image; remove it",
    ),
)
"""Of the manifest's own fields; the model's are those of `sagebridge.core.cluster.serving.refusals`."""

_OF_A_CONTAINER: Final = ("imageConfig", "modelPackageName", "inferenceSpecificationName")

AT_ADMISSION: Final = (
    *REFUSALS,
    Refusal(field="model.containers", why="a pod has one container that serves; give model.primaryContainer"),
    *(replace(refusal, field=f"model.{refusal.field}") for refusal in MODEL_REFUSALS),
    *(
        replace(refusal, field=f"model.primaryContainer.{refusal.field}")
        for refusal in CONTAINER_REFUSALS
        if refusal.field in _OF_A_CONTAINER
    ),
)
"""All that can be told by a field that is given; the rest is refused by `check`."""


def check(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that asks for what the cluster can't do.

    The CRD's rules do the same at admission for what they can tell; this also holds for what was admitted before.

    Raises:
        SpecError: names the field, and what to do.
    """
    refuse(spec, REFUSALS, path="spec")
    if spec.get("model"):
        check_model(spec["model"], at="spec.model")
