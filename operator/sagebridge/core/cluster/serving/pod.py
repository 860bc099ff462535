"""The parts of a pod that serves a model: who brings the model, the container that serves, and their volumes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.environment import listed, region_variables, secret_sources
from sagebridge.core.cluster.fragments import AGENT_SECURITY
from sagebridge.core.cluster.names import FETCH_MODEL, SERVE
from sagebridge.core.cluster.serving.document import CODE_FILE, FILE
from sagebridge.core.cluster.serving.model import ADDITIONAL_DIRECTORY, MODEL_DIRECTORY
from sagebridge.core.container.layout import OPT_ML

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.job import ClusterSettings
    from sagebridge.core.cluster.serving.model import ServedModel
    from sagebridge.core.placement import Placement

PORT: Final = 8080
PORT_NAME: Final = "http"
PING: Final = "/ping"
INVOCATIONS: Final = "/invocations"
DOCUMENT_DIRECTORY: Final = "/etc/sagebridge/model"

_ML, _DOCUMENT, _SHARED_MEMORY = "ml", "model", "shm"
_PING_SECONDS: Final = 2
"""Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (health checks)"""
_STARTUP_PERIOD_SECONDS: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingPod:
    """What the parts are made of.

    Attributes:
        model: what is served.
        region: of AWS.
        placement: what of a node the container gets.
        cluster: ``spec.cluster``; its ``secrets`` become variables of the container.
        settings: what the operator says of all its pods.
        document: the name of the ConfigMap that has model.json.
        volume_size: how much the model may take, in GB; None for as much as the node has.
        variables: further ones of the container; those of the model go before.
    """

    model: ServedModel
    region: str
    placement: Placement
    cluster: Mapping[str, Any]
    settings: ClusterSettings
    document: str
    volume_size: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def fetch_container(pod: ServingPod) -> dict[str, Any]:
    """The init container that brings the model."""
    return {
        "name": FETCH_MODEL,
        "image": pod.settings.agent_image,
        "imagePullPolicy": pod.settings.agent_pull_policy,
        "command": ["python", "-m", "sagebridge.agent", FETCH_MODEL],
        "env": listed({**pod.settings.environment, **region_variables(pod.region)}),
        # It is over before the other begins: a pod takes the most of both, not their sum.
        "resources": pod.placement.resources,
        "securityContext": AGENT_SECURITY,
        "volumeMounts": [{"name": _ML, "mountPath": OPT_ML}, document_mount()],
    }


def serve_container(pod: ServingPod) -> dict[str, Any]:
    """The user's container; probes are its user's to add.

    The image is run as ``docker run IMAGE serve``: its own entry point stays.
    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
    """
    variables = {
        **pod.settings.environment,
        **region_variables(pod.region),
        **pod.placement.environment,
        **pod.variables,
        **pod.model.environment,
    }
    return {
        "name": SERVE,
        "image": pod.model.image,
        "args": [SERVE],
        "env": listed(variables),
        "envFrom": secret_sources(pod.cluster),
        "ports": [{"name": PORT_NAME, "containerPort": PORT, "protocol": "TCP"}],
        "resources": pod.placement.resources,
        "volumeMounts": _serve_mounts(pod),
        # What it says last tells why it ended.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def ping_probe(*, period: int, failures: int) -> dict[str, Any]:
    """A probe of the serving container: GET /ping, which it answers within two seconds."""
    return {
        "httpGet": {"path": PING, "port": PORT, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": _PING_SECONDS,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def startup_probe(seconds: int) -> dict[str, Any]:
    """A probe that gives the container so many seconds to answer for the first time."""
    return ping_probe(period=_STARTUP_PERIOD_SECONDS, failures=max(1, -(-seconds // _STARTUP_PERIOD_SECONDS)))


def volumes(pod: ServingPod) -> list[dict[str, Any]]:
    """The pod's volumes."""
    limit = {} if pod.volume_size is None else {"sizeLimit": f"{pod.volume_size}Gi"}
    items = [{"key": FILE, "path": FILE}]
    if pod.model.code is not None and pod.model.code.archive:
        items.append({"key": CODE_FILE, "path": CODE_FILE})
    found: list[dict[str, Any]] = [
        {"name": _ML, "emptyDir": limit},
        {"name": _DOCUMENT, "configMap": {"name": pod.document, "items": items}},
    ]
    if pod.placement.shared_memory:
        shared = {"medium": "Memory", "sizeLimit": pod.placement.shared_memory}
        found.append({"name": _SHARED_MEMORY, "emptyDir": shared})
    return found


def document_mount() -> dict[str, Any]:
    """Where the agent finds model.json."""
    return {"name": _DOCUMENT, "mountPath": DOCUMENT_DIRECTORY, "readOnly": True}


def _serve_mounts(pod: ServingPod) -> list[dict[str, Any]]:
    # Nothing is mounted on /opt/ml itself: that would hide what the image has there.
    parts = [MODEL_DIRECTORY, *([ADDITIONAL_DIRECTORY] if pod.model.has_additional_files else [])]
    mounts: list[dict[str, Any]] = [{"name": _ML, "mountPath": f"{OPT_ML}/{part}", "subPath": part} for part in parts]
    if pod.placement.shared_memory:
        mounts.append({"name": _SHARED_MEMORY, "mountPath": "/dev/shm"})  # noqa: S108 - its name in every container
    return mounts
