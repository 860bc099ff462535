"""Requests of a batch transform to its model, and what is said of one that was not answered well."""

from __future__ import annotations

from typing import Final

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_MOST_WORDS: Final = 300


class InvocationError(Exception):
    """The model did not answer a request well, in spite of all retries.

    Attributes:
        is_algorithms: whether it is the algorithm's fault; what it refuses is the data's.
        words: what the model said, as much as belongs in a message.
    """

    def __init__(self, *, status: int, body: bytes) -> None:
        super().__init__(f"Bad HTTP status received from algorithm: {status}")
        self.is_algorithms = not is_refusal(status)
        self.words = body.decode(errors="replace")[:_MOST_WORDS]


def is_refusal(status: int) -> bool:
    """Whether a model that answered so would refuse the same request again."""
    return 400 <= status < 500
