"""AWS's event stream encoding, for InvokeEndpointWithResponseStream.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Final

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
STREAM_BROKEN: Final = "StreamBroken"
TIME_EXCEEDED: Final = "ModelInvocationTimeExceeded"
_STRING: Final = 7


def payload_part(body: bytes) -> bytes:
    """A PayloadPart event."""
    headers = {":message-type": "event", ":event-type": "PayloadPart", ":content-type": "application/octet-stream"}
    return message(headers, body)


def stream_error(code: str, text: str) -> bytes:
    """A ModelStreamError, with one of the two codes of its reference.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_ResponseStream.html
    """
    headers = {
        ":message-type": "exception",
        ":exception-type": "ModelStreamError",
        ":content-type": "application/json",
    }
    return message(headers, json.dumps({"Message": text, "ErrorCode": code}).encode())


def message(headers: dict[str, str], body: bytes) -> bytes:
    """One message: prelude, its checksum, headers, payload, checksum of it all."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(encoded) + len(body), len(encoded))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + body
    return whole + struct.pack(">I", zlib.crc32(whole))


def _header(name: str, value: str) -> bytes:
    text = value.encode()
    return bytes([len(name)]) + name.encode() + struct.pack(">BH", _STRING, len(text)) + text
