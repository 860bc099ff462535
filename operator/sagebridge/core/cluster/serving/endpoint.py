"""An Endpoint on the cluster, as its manifests are made from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.names import LABEL_KIND, LABEL_UID
from sagebridge.core.cluster.serving.document import binary_data, document
from sagebridge.core.cluster.serving.pod import INVOCATIONS, ServingPod
from sagebridge.core.cluster.serving.scaling import Scaling
from sagebridge.core.endpoint.build import endpoint_name
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.names import TAG_PREFIX, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.names import Owner

KIND: Final = "Endpoint"
LABEL_ENDPOINT: Final = TAG_PREFIX + "endpoint"
"""Selects the pods of an endpoint: its Deployment's selector can't be changed, so the object's UID is not in it."""
ANNOTATION_REVISION: Final = TAG_PREFIX + "revision"
"""Of a pod, and of a Deployment's template: the name of the ConfigMap that goes with it."""
ANNOTATION_AGENT: Final = TAG_PREFIX + "agent-image"
"""Of a Deployment: the operator's image at the time of its revision. A new operator is no reason for new pods."""

NAME_LIMIT: Final = 52
"""With the suffixes of ReplicaSets and pods it is still a host name, and a label."""
DEFAULT_DOWNLOAD_SECONDS: Final = 900
DEFAULT_STARTUP_SECONDS: Final = 480
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (8 minutes for /ping)"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterEndpoint:
    """All that the manifests depend on.

    Attributes:
        owner: the object it belongs to.
        name: of its Deployment and Service; callers know it.
        pod: what its pods are made of; the name of its document is not looked at.
        variant: the production variant, in lowerCamelCase.
        replicas: how many pods; None where an autoscaler decides.
        scaling: what autoscaling asks for; None without.
        deployment: ``spec.deploymentConfig``; empty without.
        history: how many old ReplicaSets stay.
        tags: the user's.
        nonce: another one asks for another try of what has failed.
    """

    owner: Owner
    name: str
    pod: ServingPod
    variant: Mapping[str, Any]
    replicas: int | None
    scaling: Scaling | None
    deployment: Mapping[str, Any]
    history: int
    tags: Mapping[str, str]
    nonce: str = ""

    @property
    def namespace(self) -> str:
        """The namespace of all it consists of: its object's."""
        return self.owner.namespace

    @property
    def selector(self) -> dict[str, str]:
        """The labels that its pods have, and no others."""
        return {LABEL_ENDPOINT: self.name}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of all it consists of."""
        return {
            "app.kubernetes.io/managed-by": "sagebridge",
            LABEL_UID: self.owner.uid,
            LABEL_KIND: KIND,
            **self.selector,
        }

    @property
    def download_seconds(self) -> int:
        """How long the model may take."""
        return int(self.variant.get("modelDataDownloadTimeoutInSeconds") or DEFAULT_DOWNLOAD_SECONDS)

    @property
    def startup_seconds(self) -> int:
        """How long the container may take until /ping answers."""
        return int(self.variant.get("containerStartupHealthCheckTimeoutInSeconds") or DEFAULT_STARTUP_SECONDS)

    @property
    def document(self) -> str:
        """model.json."""
        return document(
            self.pod.model,
            region=self.pod.region,
            fetch_seconds=self.download_seconds,
            volume_size=self.pod.volume_size,
        )

    @property
    def binary_data(self) -> dict[str, str]:
        """What goes with model.json."""
        return binary_data(self.pod.model)

    @property
    def arn(self) -> str:
        """What stands for the ARN; AWS knows nothing of the endpoint."""
        return endpoint_arn(self.owner, self.name, region=self.pod.region)

    @property
    def url(self) -> str:
        """Where it is invoked within the cluster."""
        return f"http://{self.name}.{self.namespace}.svc.{self.pod.settings.domain}{INVOCATIONS}"

    def with_document(self, name: str) -> ClusterEndpoint:
        """The same whose pods have their document in this ConfigMap."""
        return replace(self, pod=replace(self.pod, document=name))

    def with_agent_image(self, image: str) -> ClusterEndpoint:
        """The same whose pods have this image of the agent."""
        return replace(self, pod=replace(self.pod, settings=replace(self.pod.settings, agent_image=image)))

    def revision_name(self, template: Mapping[str, Any]) -> str:
        """The name of the ConfigMap of a template: the same for the same pods, and for no others."""
        return f"{self.name}-{content_hash([template, self.document])}"


def service_name(owner: Owner, *, given: str | None) -> str:
    """The name of the Service and the Deployment: the endpoint's on SageMaker, as DNS has names.

    It outlives the object, since callers know it.
    """
    name = endpoint_name(owner, given=given).lower()
    name = name if name[0].isalpha() else f"e-{name}"
    if len(name) <= NAME_LIMIT:
        return name
    unique = digest(owner.cluster, owner.namespace, owner.name, name)
    return f"{name[: NAME_LIMIT - len(unique) - 1].rstrip('-')}-{unique}"


def endpoint_arn(owner: Owner, name: str, *, region: str) -> str:
    """What stands for the ARN of an endpoint on the cluster, in an ARN's form."""
    return f"arn:kubernetes:apps:{region}:{owner.namespace}:deployment/{name}"
