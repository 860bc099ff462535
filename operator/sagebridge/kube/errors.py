"""What the API server can answer, as the engine tells it apart."""


class KubeError(Exception):
    """The API server, or the way to it, failed; trying again later is right.

    Attributes:
        status: HTTP status, None when there was no reply.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class NotFoundError(KubeError):
    """404: the object, or its namespace, is gone."""


class ConflictError(KubeError):
    """409: the object has changed since it was read."""


class RefusedError(KubeError):
    """Any other 4xx: the request itself is not accepted; the message is the API server's."""
