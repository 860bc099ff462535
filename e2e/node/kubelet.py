"""The kubelet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml
from sagebridge_local.golang import control_plane_binary
from sagebridge_local.stack import KubectlError
from sagebridge_local.stack.processes import Component

from node.containerd import SOCKET
from node.credentials import Entrance
from node.network import Cable
from node.sandbox import Sandbox

NAME = "kubelet"
MOUNTS = {"kubelet": "/var/lib/kubelet", "pods": "/var/log/pods", "containers": "/var/log/containers"}
DOMAIN = "cluster.local"

_READY = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'


def component(sandbox: Sandbox, *, entrance: Entrance, cable: Cable, name: str) -> Component:
    """Return the kubelet's process, with its configuration written.

    Args:
        sandbox: Where it runs.
        entrance: The API server that it joins.
        cable: The node's addresses.
        name: The node's name, and that of its control group.
    """
    configuration = entrance.directory / "kubelet.yaml"
    content = _configuration(name, dns=cable.node, authority=entrance.control_plane.certificate_authority)
    configuration.write_text(yaml.safe_dump(content))
    kubeconfig = entrance.kubeconfig(f"system:node:{name}", groups=["system:nodes"])
    return sandbox.component(
        NAME,
        *(str(control_plane_binary()), NAME, f"--config={configuration}", f"--kubeconfig={kubeconfig}"),
        *(f"--hostname-override={name}", f"--node-ip={cable.node}"),
        ready=partial(is_ready, name, kubectl=entrance.control_plane.kubectl),
        inputs=[configuration, kubeconfig],
    )


def _configuration(name: str, *, dns: str, authority: Path) -> dict[str, object]:
    """The kubelet's configuration.

    Source: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "clusterDNS": [dns],
        "clusterDomain": DOMAIN,
        "resolvConf": "",
        # How full this machine's disk is must not decide what a test sees; the limits of volumes still count.
        "evictionHard": {"nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "2s",
        "volumeStatsAggPeriod": "2s",  # with the default a full volume is noticed a minute later
    }


def is_ready(name: str, *, kubectl: Callable[..., str]) -> bool:
    """Whether a node's kubelet answers, and has said that the node is ready: what it said before a crash still stands.

    Args:
        name: The node's.
        kubectl: Asks the node's cluster.
    """
    try:
        kubectl("get", "--raw", f"/api/v1/nodes/{name}/proxy/healthz")
        return kubectl("get", "node", name, f"--output={_READY}") == "True"
    except KubectlError:
        return False
