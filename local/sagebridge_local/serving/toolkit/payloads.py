"""Requests to arrays and arrays to replies, as the inference toolkit's decoder and encoder do it.

Source: https://github.com/aws/sagemaker-inference-toolkit/tree/master/src/sagemaker_inference (decoder, encoder)
"""

from __future__ import annotations

import io
import json
from typing import Any

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
TEXT_TYPES = frozenset({JSON, CSV})


class UnsupportedTypeError(Exception):
    """A content type that the defaults can't read or write (HTTP 415)."""

    def __init__(self, content_type: str) -> None:
        super().__init__(
            f"Content type {content_type} is not supported by this framework. Please implement input_fn to "
            "deserialize the request data or an output_fn to serialize the response."
        )


def media_type(header: str) -> str:
    """A Content-Type without its parameters."""
    return header.partition(";")[0].strip().lower()


def decode(body: bytes | str, content_type: str) -> Any:
    """What input_fn gets where the user has none: a numpy array.

    Raises:
        UnsupportedTypeError: it is neither JSON, CSV nor NPY.
    """
    import numpy as np

    kind = media_type(content_type)
    if kind == JSON:
        return np.array(json.loads(body))
    if kind == CSV:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        return np.genfromtxt(io.StringIO(text), delimiter=",")
    if kind == NPY:
        raw = body.encode("latin-1") if isinstance(body, str) else body
        return np.load(io.BytesIO(raw), allow_pickle=False)
    raise UnsupportedTypeError(content_type)


def encode(prediction: Any, accept: str) -> bytes:
    """What output_fn gives where the user has none.

    Raises:
        UnsupportedTypeError: it is neither JSON, CSV nor NPY.
    """
    kind = media_type(accept)
    if kind == JSON:
        return json.dumps(prediction, default=_plain).encode()
    import numpy as np

    if kind == CSV:
        text = io.StringIO()
        np.savetxt(text, np.asarray(prediction), delimiter=",", fmt="%s")
        return text.getvalue().encode()
    if kind == NPY:
        raw = io.BytesIO()
        np.save(raw, np.asarray(prediction))
        return raw.getvalue()
    raise UnsupportedTypeError(accept)


def _plain(value: Any) -> Any:
    """An array, a tensor or a number of numpy as JSON knows it."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not JSON serializable: return a list or an array, or write output_fn")
