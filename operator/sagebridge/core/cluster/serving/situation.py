"""All that the plan of an Endpoint on the cluster depends on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sagebridge.core.cluster.serving.deployment import Deployment
from sagebridge.core.cluster.serving.pods import EndpointPod, waits_for
from sagebridge.core.cluster.serving.record import Record
from sagebridge.core.conditions import Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.job import DeletionPolicy


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a spec asks for, as far as the plan looks at it.

    Attributes:
        revision: of the pods.
        key: the revision, and which try at it.
        replicas: how many pods; None where an autoscaler decides.
        least: how many the autoscaler keeps at least.
        longest: how long the rollout may take; None for as long as it gets on.
        name: of the Deployment and the Service.
        url: where it is invoked.
    """

    revision: str
    key: str
    name: str
    url: str
    replicas: int | None = None
    least: int = 0
    longest: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One look.

    Attributes:
        record: what status records.
        now: the time.
        wanted: what the spec asks for; None before it is resolved.
        deployment: None if there is none.
        pods: its pods.
        revisions: the names of the ConfigMaps that were made, as far as status knows.
        has_document: whether the wanted revision's is there.
        is_applied: whether the Deployment is as it was applied last, but for its count.
        goes_with: whether the Service, and who scales, are as the spec says.
        scaled_by: the autoscaler of somebody else's that says how many pods there are; empty without one.
        remains: whether anything of the endpoint is left.
        is_seen: whether that can be seen here at all; not where target: Cluster is switched off.
        is_finalized, is_paused, deletion_policy: of the object.
        deletion: how far the object's deletion is; None while it is to live.
    """

    record: Record
    now: datetime
    wanted: Wanted | None = None
    deployment: Deployment | None = None
    pods: tuple[EndpointPod, ...] = ()
    revisions: frozenset[str] = field(default_factory=frozenset)
    has_document: bool = True
    is_applied: bool = True
    goes_with: bool = True
    scaled_by: str = ""
    remains: bool = False
    is_seen: bool = True
    is_finalized: bool = True
    is_paused: bool = False
    deletion: Deletion | None = None
    deletion_policy: DeletionPolicy = DeletionPolicy.STOP

    @property
    def waits(self) -> Verdict | None:
        """What pods of the Deployment's revision wait for."""
        return waits_for(self.deployment, self.newest) if self.deployment is not None else None

    @property
    def newest(self) -> tuple[EndpointPod, ...]:
        """The pods of the Deployment's revision that are to serve."""
        revision = self.deployment.revision if self.deployment is not None else ""
        going = (pod for pod in self.pods if not (pod.is_being_deleted or pod.is_over))
        return tuple(pod for pod in going if pod.revision == revision)

    @property
    def last_of_nodes(self) -> str:
        """Why a node has not kept a pod of the Deployment's revision; empty if none has said so."""
        revision = self.deployment.revision if self.deployment is not None else ""
        said = (pod.last_of_node for pod in self.pods if pod.revision == revision)
        return next(filter(None, said), "")
