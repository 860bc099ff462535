"""What a step wants made, and what it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """An object that a step wants there, and ended well.

    Attributes:
        kind: such as ``TrainingJob``.
        spec: the manifest's ``spec``.
        readable: what its name begins with; the task's name where it is empty.
        name: its exact name, for what outlives runs (endpoints): it is made, or set to this spec where it is there.
            Empty for a name of the step's own, the same for each pod of the task.
        must_be_own: whether one of that `name` which another step, or somebody, has made is not to be touched: the step
            fails then.
        if_taken: what helps then, in the words of the component's inputs.
        labels: labels beside those that tell the step.
        annotations: annotations beside those that tell the step.
        keeps: whether what the step leaves behind goes on, as an endpoint does: then there is no end to wait for, only
            its being ready.
        output_uri: the URI or path of one of the task's outputs, which tells the task from all others where the
            environment does not (a run on a laptop).
    """

    kind: str
    spec: Mapping[str, Any]
    readable: str = ""
    name: str = ""
    must_be_own: bool = False
    if_taken: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    keeps: bool = False
    output_uri: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a step was waiting for.

    Attributes:
        name: the object's name.
        namespace: where it is.
        body: the whole object, as it was when it had ended well.
    """

    name: str
    namespace: str
    body: Mapping[str, Any]

    @property
    def status(self) -> Mapping[str, Any]:
        """The object's status."""
        return self.body.get("status") or {}
