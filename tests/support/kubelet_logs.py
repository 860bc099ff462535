"""The logs of pods on a node that is not there: what the API server asks a kubelet for."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes
from sagebridge_local.stack.certificates import Authority

from support.kubelet import NODE


class PodLogs:
    """What the containers of pods have printed, by the names of those.

    Attributes:
        asked: the queries that came, by the pods' names.
    """

    def __init__(self) -> None:
        self.asked: dict[str, list[dict[str, str]]] = {}
        self._lines: dict[tuple[str, str, bool], list[tuple[datetime, str]]] = {}

    def print(self, pod: Any, *lines: str, container: str = "train", previous: bool = False) -> None:
        """Let a pod's container print lines now; `previous` as if it had before it was started anew."""
        printed = self._lines.setdefault((pod.metadata.name, container, previous), [])
        printed.extend((datetime.now(UTC), line) for line in lines)

    def answer(self, path: str) -> tuple[int, bytes]:
        """What is answered to ``/containerLogs/<namespace>/<pod>/<container>?…``: the HTTP status, and the text.

        A container that was never started anew has no earlier log to show.
        """
        url = urlsplit(path)
        pod, container = url.path.split("/")[3:5]
        query = {key: found[0] for key, found in parse_qs(url.query).items()}
        self.asked.setdefault(pod, []).append(query)
        since = datetime.fromisoformat(query.get("sinceTime", "2000-01-01T00:00:00Z"))
        is_previous = query.get("previous") == "true"
        printed = self._lines.get((pod, container, is_previous), ())
        if is_previous and not printed:
            return 400, f'previous terminated container "{container}" in pod "{pod}" not found'.encode()
        text = "".join(
            f"{at.strftime('%Y-%m-%dT%H:%M:%S.%f')}000Z {line}\n" for at, line in list(printed) if at >= since
        )
        return 200, text.encode()[: int(query.get("limitBytes", "1000000000"))]


@contextlib.contextmanager
def pod_logs(client: kubernetes.client.ApiClient, directory: Path) -> Iterator[PodLogs]:
    """Have the logs of pods on the node that `support.kubelet` places them on."""
    logs = PodLogs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, content = logs.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """The test's own output is not the place."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = _context(directory).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    core = kubernetes.client.CoreV1Api(client)
    try:
        core.create_node({"metadata": {"name": NODE}})
        addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
        endpoints = {"kubeletEndpoint": {"Port": server.server_port}}
        core.patch_node_status(NODE, {"status": {"addresses": addresses, "daemonEndpoints": endpoints}})
        yield logs
    finally:
        core.delete_node(NODE)
        server.shutdown()
        thread.join()
        server.server_close()


def _context(directory: Path) -> ssl.SSLContext:
    pair = Authority.create("kubelet").server("kubelet")
    certificate, key = directory / "kubelet.crt", directory / "kubelet.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
