"""The cluster's DNS server: CoreDNS, as a process of the node."""

from __future__ import annotations

from functools import partial

from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.readiness import answers_ok

from node import programs
from node.credentials import Entrance
from node.kubelet import DOMAIN
from node.network import Cable
from node.sandbox import Sandbox

NAME = "coredns"

# Nothing is cached: a name that was asked for too early must not stay unknown.
_CONFIGURATION = """.:53 {{
    bind {address}
    errors
    ready {address}:8181
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig}
        ttl 0
    }}
}}
"""


def component(sandbox: Sandbox, *, entrance: Entrance, cable: Cable) -> Component:
    """Return the server's process, with its configuration written; it listens on the node's address.

    Source: https://coredns.io/plugins/kubernetes/
    """
    kubeconfig = entrance.kubeconfig("system:coredns", groups=["system:masters"])
    configuration = entrance.directory / "Corefile"
    configuration.write_text(_CONFIGURATION.format(address=cable.node, domain=DOMAIN, kubeconfig=kubeconfig))
    ready = partial(answers_ok, f"http://{cable.node}:8181/ready")
    command = (str(programs.coredns()), "-conf", str(configuration))
    return sandbox.component(NAME, *command, ready=ready, inputs=[configuration, kubeconfig])
