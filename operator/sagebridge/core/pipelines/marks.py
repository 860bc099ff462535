"""The labels and annotations by which steps and the operator know what belongs to which run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.words import shortened

LABEL_RUN: Final = "sagebridge.io/pipeline-run"
"""The id of the run that a step belongs to."""
LABEL_STEP: Final = "sagebridge.io/pipeline-step"
"""Ten characters that tell one step of one run, and what it makes, from all others."""
ANNOTATION_TASK: Final = "sagebridge.io/pipeline-task"
"""The step within its run: the name of its node, with the iterations it is in."""
ANNOTATION_POD: Final = "sagebridge.io/step-pod"
"""Name and UID of the pod that attends the object now, with a slash between; a successor writes its own."""
ANNOTATION_SPEC: Final = "sagebridge.io/step-spec"
"""Ten characters that stand for the spec which a step wanted last, whosever the object is."""
ANNOTATION_STOPPED: Final = "sagebridge.io/step-stopped"
"""``"true"`` where a step has suspended the object because it was told to end; its successor goes on."""
ANNOTATION_STOPPED_BECAUSE: Final = "sagebridge.io/step-stopped-because"
"""Why a step has suspended the object, in one line, behind the generation that the object had from then on."""
ANNOTATION_DONE: Final = "sagebridge.io/step-done"
"""``"true"`` once the step has ended well: what it left is stopped by nobody."""

_LONGEST_REASON: Final = 500

# Argo numbers the pods of a retried node (0), (1), …; a loop's are (0:0), (1:1), … and stay.
_RETRY: Final = re.compile(r"\(\d+\)(?=\.|$)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """What a step has noted on an object that it attends.

    Attributes:
        run: the run's id.
        task: the step within the run.
        pod_name: the pod that attends the object, or did last.
        pod_uid: its UID.
        is_done: whether the step has ended well.
        is_stopped: whether a step has suspended the object because it was told to end.
    """

    run: str
    task: str
    pod_name: str
    pod_uid: str
    is_done: bool = False
    is_stopped: bool = False

    @property
    def pod(self) -> str:
        """Name and UID of the pod, with a slash between."""
        return f"{self.pod_name}/{self.pod_uid}"

    @classmethod
    def parse(cls, metadata: Mapping[str, Any]) -> Marks | None:
        """From an object's metadata; None where no pod of a step attends it, or ever did."""
        labels, noted = metadata.get("labels") or {}, metadata.get("annotations") or {}
        name, _, uid = str(noted.get(ANNOTATION_POD, "")).partition("/")
        if not (name and uid and labels.get(LABEL_RUN)):
            return None
        return cls(
            run=str(labels[LABEL_RUN]),
            task=str(noted.get(ANNOTATION_TASK, "")),
            pod_name=name,
            pod_uid=uid,
            is_done=noted.get(ANNOTATION_DONE) == "true",
            is_stopped=noted.get(ANNOTATION_STOPPED) == "true",
        )


def told_because(why: str, *, generation: int) -> str:
    """The value of the annotation that tells why a step has suspended an object, at most some 500 characters.

    Args:
        why: in words, of any length.
        generation: the object's before it is suspended.
    """
    return f"{generation + 1} {shortened(' '.join(why.split()), _LONGEST_REASON)}"


def stopped_because(metadata: Mapping[str, Any]) -> str:
    """Why a step has suspended an object that is suspended; empty where it was not the step, or another spec since."""
    noted = metadata.get("annotations") or {}
    generation, _, why = str(noted.get(ANNOTATION_STOPPED_BECAUSE, "")).partition(" ")
    # Who resumes it, or mends its spec, makes another generation: what was said is about the one before.
    is_of_now = generation == str(metadata.get("generation"))
    return why if is_of_now and noted.get(ANNOTATION_STOPPED) == "true" else ""


def task_of(node: str) -> str:
    """The step within its run, by the name of its node: the same for all pods of a retried one.

    Source: https://argo-workflows.readthedocs.io/en/latest/fields/ (the annotation workflows.argoproj.io/node-name)
    """
    return _RETRY.sub("", node)
