"""The model server of the pod, over HTTP: GET /ping, GET /execution-parameters, POST /invocations.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagebridge.runtime.transform.invocations import DEFAULT_CONTENT_TYPE, is_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

PORT: Final = 8080
HOST: Final = "127.0.0.1"
UNREACHABLE: Final = 0
"""The status that AWS's messages show when a container did not answer at all."""

_PING_SECONDS: Final = 2.0
_ASK_SECONDS: Final = 60.0
_READ_BYTES: Final = 1 << 16
_TIMED_OUT: Final = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
"""Source: https://github.com/RamVegiraju/SageMaker-Deployment/issues/3"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a model answered.

    Attributes:
        status: The HTTP status; 0 when it did not answer at all.
        body: The reply's body, or the reason for there being none.
        content_type: Its type.
        is_gone: Whether nothing takes requests any more, which a slow server does.
    """

    status: int
    body: bytes
    content_type: str = "text/plain"
    is_gone: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the model answered well."""
        return 200 <= self.status < 300

    @property
    def is_refusal(self) -> bool:
        """Whether the same request would be refused again."""
        return is_refusal(self.status)


class ModelServer:
    """The other container of this pod. Every call blocks, and may come from any thread."""

    def __init__(self, *, host: str = HOST, port: int = PORT) -> None:
        self._host = host
        self._port = port

    def ping(self) -> bool:
        """Whether GET /ping answers 200 within two seconds."""
        return self._call("GET", "/ping", timeout_seconds=_PING_SECONDS).status == 200

    def ask(self, path: str) -> tuple[int, str]:
        """GET a path: the status, and the body as text."""
        answer = self._call("GET", path, timeout_seconds=_ASK_SECONDS)
        return answer.status, answer.body.decode(errors="replace")

    def invoke(self, body: bytes, *, content_type: str, accept: str | None, timeout_seconds: float) -> Answer:
        """POST /invocations, and take the answer, whatever it is."""
        headers = {"Content-Type": content_type, **({"Accept": accept} if accept else {})}
        return self._call("POST", "/invocations", body, headers=headers, timeout_seconds=timeout_seconds)

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_seconds: float,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_seconds)
        try:
            return _exchange(connection, method, path, body, headers or {}, until=time.monotonic() + timeout_seconds)
        except TimeoutError:
            return Answer(status=UNREACHABLE, body=_TIMED_OUT.encode())
        except (OSError, http.client.HTTPException) as error:
            text = f"The container primary did not answer: {type(error).__name__}: {error}"
            return Answer(status=UNREACHABLE, body=text.encode(), is_gone=True)
        finally:
            connection.close()


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    until: float,
) -> Answer:
    connection.request(method, path, body=body, headers=dict(headers))
    channel = connection.sock
    reply = connection.getresponse()
    pieces = []
    while piece := reply.read1(_READ_BYTES):
        pieces.append(piece)
        if reply.length == 0:  # Python since 3.12.2 has closed the socket of a server that answers once
            break
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)
    if reply.length:
        raise http.client.IncompleteRead(b"", reply.length)
    content_type = reply.headers.get("Content-Type") or DEFAULT_CONTENT_TYPE
    return Answer(status=reply.status, body=b"".join(pieces), content_type=content_type)
