"""Asks a server on the loopback interface whether it is ready; no proxy settings apply."""

import http.client
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from sagebridge_local.stack.ports import LOOPBACK

_PATIENCE = 5.0


def answers_ok(url: str, *, context: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None) -> bool:
    """Tell whether a GET is answered with 200.

    Args:
        url: http or https; for https the server must prove itself to ``context``.
        context: What to trust, and which client certificate to show.
        headers: Sent along, such as a bearer token.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or LOOPBACK, parts.port
    connection = (
        http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=context)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    )
    try:
        connection.request("GET", parts.path or "/", headers=dict(headers or {}))
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
