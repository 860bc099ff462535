"""kube-proxy: the addresses of Services, from inside pods."""

from __future__ import annotations

import json
from functools import partial

import yaml
from sagebridge_local.golang import control_plane_binary
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.readiness import answers_ok

from node.credentials import Entrance
from node.network import PODS, Cable
from node.sandbox import Sandbox

NAME = "kube-proxy"


def component(sandbox: Sandbox, *, entrance: Entrance, cable: Cable, name: str) -> Component:
    """Return the proxy's process, with its configuration written.

    Source: https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
    """
    kubeconfig = entrance.kubeconfig("system:kube-proxy")
    content = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "hostnameOverride": name,
        "mode": "iptables",
        "clusterCIDR": PODS,
        "healthzBindAddress": f"{cable.node}:10256",
        # The kernel lets only the first network namespace change these.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
    configuration = entrance.directory / "kube-proxy.yaml"
    configuration.write_text(yaml.safe_dump(content))
    command = (str(control_plane_binary()), NAME, f"--config={configuration}")
    ready = partial(answers_ok, f"http://{cable.node}:10256/healthz")
    return sandbox.component(NAME, *command, ready=ready, inputs=[configuration, kubeconfig])


def publish_api_server(entrance: Entrance) -> None:
    """Give the Service kubernetes.default its endpoint: the API server as the node reaches it."""
    host, _, port = entrance.address.partition(":")
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
        "ports": [{"name": "https", "port": int(port), "protocol": "TCP"}],
    }
    entrance.control_plane.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(endpoints))
