"""The labels and annotations by which steps and the operator know what belongs to which run."""

from __future__ import annotations

import re
from typing import Final

from sagebridge.core.names import digest
from sagebridge.core.pipelines.marks import (
    ANNOTATION_DONE,
    ANNOTATION_POD,
    ANNOTATION_SPEC,
    ANNOTATION_STOPPED,
    ANNOTATION_STOPPED_BECAUSE,
    ANNOTATION_TASK,
    LABEL_RUN,
    LABEL_STEP,
    told_because,
)

__all__ = [
    "ANNOTATION_DONE",
    "ANNOTATION_POD",
    "ANNOTATION_SPEC",
    "ANNOTATION_STOPPED",
    "ANNOTATION_STOPPED_BECAUSE",
    "ANNOTATION_TASK",
    "LABEL_RUN",
    "LABEL_STEP",
    "label_value",
    "told_because",
]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_LABEL_LIMIT: Final = 63
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")


def label_value(text: str) -> str:
    """The text as the value of a label: itself where it may be one, else what is left of it with a hash of it."""
    if len(text) <= _LABEL_LIMIT and _LABEL.fullmatch(text):
        return text
    suffix = digest(text)
    readable = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)[: _LABEL_LIMIT - len(suffix) - 1].strip("_.-")
    return f"{readable}-{suffix}" if readable else suffix
