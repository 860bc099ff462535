"""What the operator remembers of an Endpoint on the cluster beside its object. All of it can be lost."""

from __future__ import annotations

from dataclasses import dataclass

from sagebridge.core.cluster.serving.deployment import Deployment
from sagebridge.core.steps import Conclude
from sagebridge.engine.serving_inputs import ServingInput


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """How the Deployment was left by our last write.

    Attributes:
        key: stands for all that was applied.
        generation: of its spec, after it.
    """

    key: str
    generation: int

    def holds(self, deployment: Deployment, key: str) -> bool:
        """Whether it is so still, and the same is wanted."""
        return self.key == key and self.generation == deployment.generation


@dataclass(kw_only=True, slots=True)
class ServingMemory:
    """One endpoint.

    Attributes:
        resolved: what the spec means, in the pass under way.
        document: the name of the revision whose ConfigMap was there, in the pass under way.
        has_applied_beside: whether what goes with the Deployment was applied, or was not to be, in the pass under way.
        setback: why it was not to be, in the pass under way; None unless something kept it from that.
        applied: how the Deployment was left; None before this process has.
        replicas: the count that was set last; None if none was.
        beside: stands for what was applied beside the Deployment; empty before this process has.
        scaled_by: the autoscaler of somebody else's that says how many pods there are; empty as far as is known.
    """

    resolved: ServingInput | None = None
    document: str = ""
    has_applied_beside: bool = False
    setback: Conclude | None = None
    applied: Applied | None = None
    replicas: int | None = None
    beside: str = ""
    scaled_by: str = ""

    def end_pass(self) -> None:
        """Forget what holds for one pass alone: the code of a model may be large."""
        self.resolved, self.document, self.has_applied_beside, self.setback = None, "", False, None
