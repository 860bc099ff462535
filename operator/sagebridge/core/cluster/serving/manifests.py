"""The Kubernetes objects of an Endpoint: a ConfigMap for each revision, a Deployment, a Service, and who scales."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.fragments import identity, scheduling
from sagebridge.core.cluster.names import ANNOTATION_NOTES, ANNOTATION_TAGS, SERVE
from sagebridge.core.cluster.serving.document import FILE
from sagebridge.core.cluster.serving.endpoint import ANNOTATION_AGENT, ANNOTATION_REVISION, KIND
from sagebridge.core.cluster.serving.pod import (
    PORT,
    PORT_NAME,
    fetch_container,
    ping_probe,
    serve_container,
    startup_probe,
    volumes,
)
from sagebridge.core.cluster.serving.rolling import ready_seconds, strategy
from sagebridge.core.cluster.serving.scaling import Scaler
from sagebridge.core.names import TAG_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.serving.endpoint import ClusterEndpoint

_SERVICE_PORT: Final = 80
_DRAIN_SECONDS: Final = 15
"""From when a pod is to end until nobody sends it requests any more.

Source: https://www.kubernetes.dev/resources/keps/3960/ (preStop with sleep, on by default from 1.30)
"""
_REQUEST_SECONDS: Final = 60
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html"""
_GRACE_SECONDS: Final = _DRAIN_SECONDS + _REQUEST_SECONDS + 25

_SPREAD_OVER: Final = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")

_READY_PERIOD, _READY_FAILURES = 5, 6
_ALIVE_PERIOD, _ALIVE_FAILURES = 10, 12
"""A server of one thread answers no /ping while it answers a request."""

_APPLIED: Final = (
    "selector",
    "strategy",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "revisionHistoryLimit",
    "paused",
)
"""Of a Deployment's spec, beside its template."""

Manifest = dict[str, Any]


def revision(endpoint: ClusterEndpoint) -> str:
    """The name of the revision that the endpoint is to have."""
    return endpoint.revision_name(_pod(endpoint.with_document("")))


def revision_manifest(endpoint: ClusterEndpoint, owner: Mapping[str, Any]) -> Manifest:
    """The ConfigMap with what the pods of a revision bring.

    Args:
        endpoint: the endpoint.
        owner: the object's reference.
    """
    binary = endpoint.binary_data
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(endpoint, owner, name=revision(endpoint)),
        "immutable": True,
        "data": {FILE: endpoint.document},
        **({"binaryData": binary} if binary else {}),
    }


def deployment_manifest(
    endpoint: ClusterEndpoint, owner: Mapping[str, Any], *, template: Mapping[str, Any] | None = None
) -> Manifest:
    """The Deployment. How many pods it has is no part of it: that may be an autoscaler's to say.

    Args:
        endpoint: the endpoint.
        owner: the object's reference.
        template: of the pods, where it is not to be the newest revision's.
    """
    metadata = _metadata(endpoint, owner, name=endpoint.name)
    metadata["annotations"] |= {
        ANNOTATION_TAGS: json.dumps(dict(endpoint.tags), sort_keys=True),
        ANNOTATION_AGENT: endpoint.pod.settings.agent_image,
        ANNOTATION_NOTES: json.dumps(endpoint.pod.placement.lines),
    }
    ready = ready_seconds(endpoint.deployment)
    progress = endpoint.pod.settings.pod_start_seconds + endpoint.download_seconds + endpoint.startup_seconds + ready
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": endpoint.selector},
            "strategy": strategy(endpoint.deployment, endpoint.pod.cluster),
            "minReadySeconds": ready,
            "progressDeadlineSeconds": progress,
            "revisionHistoryLimit": endpoint.history,
            # Whoever pauses it would hold up every update, and no deadline would end that.
            "paused": False,
            "template": dict(template) if template is not None else pod_template(endpoint),
        },
    }


def restored(found: Mapping[str, Any], template: Mapping[str, Any]) -> Manifest:
    """The Deployment as it was applied last, with another template.

    Args:
        found: the Deployment as the API server has it.
        template: of the pods that are to serve again.
    """
    metadata = found["metadata"]
    annotations = metadata.get("annotations") or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            **{key: metadata[key] for key in ("name", "namespace", "labels", "ownerReferences")},
            "annotations": {key: value for key, value in annotations.items() if key.startswith(TAG_PREFIX)},
        },
        "spec": {
            **{key: found["spec"][key] for key in _APPLIED if key in found["spec"]},
            "template": dict(template),
        },
    }


def pod_template(endpoint: ClusterEndpoint) -> Manifest:
    """The template of the newest revision's pods."""
    name = revision(endpoint)
    annotations = {
        ANNOTATION_REVISION: name,
        "kubectl.kubernetes.io/default-container": SERVE,
    }
    return {
        "metadata": {"labels": endpoint.labels, "annotations": annotations},
        "spec": _pod(endpoint.with_document(name)),
    }


def service_manifest(endpoint: ClusterEndpoint, owner: Mapping[str, Any]) -> Manifest:
    """The Service that the endpoint is called by."""
    port = {"name": PORT_NAME, "port": _SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(endpoint, owner, name=endpoint.name),
        "spec": {"type": "ClusterIP", "selector": endpoint.selector, "ports": [port]},
    }


def budget_manifest(endpoint: ClusterEndpoint, owner: Mapping[str, Any]) -> Manifest:
    """The PodDisruptionBudget by which nodes are drained pod by pod. It holds no drain up: one pod may always go.

    Source: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(endpoint, owner, name=endpoint.name),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": endpoint.selector},
            # What does not serve need not be kept from going.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }


def scaler_manifest(endpoint: ClusterEndpoint, owner: Mapping[str, Any]) -> Manifest | None:
    """Who scales the Deployment; None where nobody does."""
    if endpoint.scaling is None:
        return None
    version = {Scaler.HPA: "autoscaling/v2", Scaler.KEDA: "keda.sh/v1alpha1"}[endpoint.scaling.scaler]
    return {
        "apiVersion": version,
        "kind": endpoint.scaling.scaler.value,
        "metadata": _metadata(endpoint, owner, name=endpoint.name),
        "spec": endpoint.scaling.of(endpoint.name),
    }


def owner_reference(endpoint: ClusterEndpoint, *, api_version: str) -> dict[str, Any]:
    """The object, as all that it consists of refers to it."""
    return {
        "apiVersion": api_version,
        "kind": KIND,
        "name": endpoint.owner.name,
        "uid": endpoint.owner.uid,
        "controller": True,
    }


def _metadata(endpoint: ClusterEndpoint, owner: Mapping[str, Any], *, name: str) -> Manifest:
    return {
        "name": name,
        "namespace": endpoint.namespace,
        "labels": endpoint.labels,
        "annotations": dict(endpoint.owner.tags()),
        "ownerReferences": [dict(owner)],
    }


def _spread(endpoint: ClusterEndpoint, topology_key: str) -> Manifest:
    """So that one node, or one zone, takes few pods with it; where there is no room elsewhere, they share it.

    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
    """
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": endpoint.selector},
        # Those of an update are spread by themselves: the old ones go.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _pod(endpoint: ClusterEndpoint) -> Manifest:
    pod = endpoint.pod
    serve = serve_container(pod) | {
        "startupProbe": startup_probe(endpoint.startup_seconds),
        "readinessProbe": ping_probe(period=_READY_PERIOD, failures=_READY_FAILURES),
        "livenessProbe": ping_probe(period=_ALIVE_PERIOD, failures=_ALIVE_FAILURES),
        # Requests that are on their way still come in; those that are being answered end.
        "lifecycle": {"preStop": {"sleep": {"seconds": _DRAIN_SECONDS}}},
    }
    return {
        "enableServiceLinks": False,
        # Credentials for AWS come by the service account; the API server is none of the model's business.
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "initContainers": [fetch_container(pod)],
        "containers": [serve],
        "volumes": volumes(pod),
        "topologySpreadConstraints": [_spread(endpoint, key) for key in _SPREAD_OVER],
        **scheduling(pod.placement),
        **identity(pod.cluster),
    }
