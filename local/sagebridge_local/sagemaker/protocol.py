"""uvicorn's HTTP protocol, with the connection within the application's reach, so that faults can close it."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TRANSPORT: Final = "sagebridge.transport"


class ClosableHttpProtocol(HttpToolsProtocol):
    """Adds the transport to the scope of each request."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[typeddict-unknown-key]
