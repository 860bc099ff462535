"""What is sent to an endpoint, and what it answers, as pipelines have them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.values import whole

LONGEST_TEXT: Final = 100_000
"""Characters of an answer that become a parameter: the pipelines' database keeps those."""


def payload_body(*, payload: str, payload_json: Mapping[str, Any], payload_file: bytes | None) -> bytes:
    """The bytes that are sent.

    Raises:
        InputError: not exactly one of them is given.
    """
    given = {"payload": payload, "payload_json": payload_json, "payload_file": payload_file is not None}
    names = [name for name, value in given.items() if value]
    if not names:
        raise InputError("payload", "say what to send, by exactly one of payload, payload_json and payload_file")
    if len(names) > 1:
        raise InputError(names[-1], f"is given beside {names[0]}: give exactly one of {', '.join(given)}")
    if payload_file is not None:
        return payload_file
    return payload.encode() if payload else json.dumps(whole(payload_json)).encode()


def payload_type(payload_json: Mapping[str, Any]) -> str:
    """The content type of what is sent, where the pipeline names none."""
    return "application/json" if payload_json else "text/csv"


def answer_text(answer: bytes) -> str:
    """An answer as a parameter; empty where it is no text, or too long for one."""
    try:
        text = answer.decode()
    except UnicodeDecodeError:
        return ""
    return text if len(text) <= LONGEST_TEXT else ""
