"""A Deployment as the API server shows it, read as `kubectl rollout status` reads it.

Source: https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.names import annotations_of
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_AGENT, ANNOTATION_REVISION

if TYPE_CHECKING:
    from collections.abc import Mapping

_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "labels",
    "annotations",
    "ownerReferences",
)


def essence(body: Mapping[str, Any]) -> dict[str, Any]:
    """What `Deployment` reads, and what tells which it is: without the template, which is most of it."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    template = (spec.get("template") or {}).get("metadata") or {}
    return {
        "metadata": {key: metadata[key] for key in _METADATA if key in metadata},
        "spec": {"replicas": spec.get("replicas"), "template": {"metadata": {"annotations": looked_at(template)}}},
        "status": body.get("status") or {},
    }


def looked_at(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Those of a pod's metadata that are looked at."""
    found = metadata.get("annotations") or {}
    return {ANNOTATION_REVISION: found[ANNOTATION_REVISION]} if ANNOTATION_REVISION in found else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """One Deployment."""

    body: Mapping[str, Any]

    @property
    def uid(self) -> str:
        """Its UID."""
        return str(self.body["metadata"]["uid"])

    @property
    def generation(self) -> int:
        """The generation of its spec."""
        return int(self.body["metadata"].get("generation") or 0)

    @property
    def is_being_deleted(self) -> bool:
        """Whether somebody has deleted it, and its pods are still there."""
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def revision(self) -> str:
        """The revision of its template; empty if somebody has taken that out."""
        return str(annotations_of(self.body["spec"]["template"]).get(ANNOTATION_REVISION) or "")

    @property
    def agent_image(self) -> str:
        """The operator's image at the time of its revision; empty if somebody has taken that out."""
        return annotations_of(self.body).get(ANNOTATION_AGENT, "")

    @property
    def wanted(self) -> int:
        """How many pods it is to have."""
        found = self.body["spec"].get("replicas")
        return 1 if found is None else int(found)

    @property
    def is_seen(self) -> bool:
        """Whether the Deployment controller has seen this generation."""
        return int(self._status.get("observedGeneration") or 0) >= self.generation

    @property
    def updated(self) -> int:
        """How many pods are of its template."""
        return self._count("updatedReplicas")

    @property
    def total(self) -> int:
        """How many pods it has, of any template."""
        return self._count("replicas")

    @property
    def available(self) -> int:
        """How many pods are ready, and have been long enough."""
        return self._count("availableReplicas")

    @property
    def is_rolled_out(self) -> bool:
        """Whether all its pods are of its template and available, and no others are left."""
        return (
            self.is_seen
            and self.updated >= self.wanted
            and self.total <= self.updated
            and self.available >= self.updated
        )

    @property
    def is_late(self) -> bool:
        """Whether nothing has got on for longer than its progress deadline."""
        found = self._condition("Progressing")
        return self.is_seen and found.get("reason") == "ProgressDeadlineExceeded"

    @property
    def late_at(self) -> str:
        """RFC 3339 time at which the controller has found that; empty if it does not tell."""
        return str(self._condition("Progressing").get("lastUpdateTime") or "")

    @property
    def refusal(self) -> str:
        """Why the API server does not accept its pods; empty if it does."""
        found = self._condition("ReplicaFailure")
        return str(found.get("message") or found.get("reason") or "") if found.get("status") == "True" else ""

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        if self.updated < self.wanted:
            return f"{self.updated} of {self.wanted} pods are of the new revision"
        if self.available < self.updated:
            return f"{self.available} of {self.updated} pods are ready"
        return f"{self.total - self.updated} pods of the old revision are still to end"

    @property
    def _status(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("status") or {}
        return found

    def _count(self, key: str) -> int:
        return int(self._status.get(key) or 0)

    def _condition(self, kind: str) -> Mapping[str, Any]:
        conditions = self._status.get("conditions") or ()
        return next((one for one in conditions if one.get("type") == kind), {})
