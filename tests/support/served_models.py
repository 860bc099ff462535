"""Models that serve on the cluster, and the parts of their pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.cluster.serving.model import Code, ServedModel, served_model
from sagebridge.core.cluster.serving.pod import ServingPod
from sagebridge.core.placement import PlacementRequest, place

REGION = "eu-west-1"
IMAGE = "registry.example/serve:1"
ARCHIVE = "s3://bucket/model.tar.gz"
CONTAINER = {"image": IMAGE, "modelDataUrl": ARCHIVE}
CODE = Code(entry_point="inference.py", archive=b"a .tar.gz", digest="abc")

Json = dict[str, Any]


def model(container: Mapping[str, Any] = CONTAINER, **more: Any) -> ServedModel:
    """A model of a container definition."""
    return served_model(container, region=REGION, **more)


def serving_pod(served: ServedModel | None = None, **more: Any) -> ServingPod:
    """A pod of an ml.g5.xlarge that serves it."""
    cluster = more.pop("cluster", {})
    wish = PlacementRequest(
        instance_types=("ml.g5.xlarge",), instance_count=1, cluster=cluster, spot=False, namespace="team", labels={}
    )
    settings = ClusterSettings(agent_image="registry.example/sagebridge:1", environment={"HTTPS_PROXY": "http://proxy"})
    return ServingPod(
        model=served or model(),
        region=REGION,
        placement=place(wish),
        cluster=cluster,
        settings=settings,
        document="digits-abc",
        **more,
    )
