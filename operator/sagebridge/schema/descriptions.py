"""Descriptions of fields: the first sentence of AWS's documentation, without its HTML."""

from __future__ import annotations

import html
import re
from functools import cache

_TAG = re.compile(r"<[^>]+>")
_SPACE = re.compile(r"\s+")
_END_OF_BLOCK = re.compile(r"</p>|<ul>|<ol>|<note>|<important>|<dl>|<code\s*class", re.IGNORECASE)
_END_OF_SENTENCE = re.compile(r"[.!?](?=\s+[A-Z(\[]|$)")
_ABBREVIATIONS = ("e.g.", "i.e.", "etc.", "vs.", "U.S.", "Inc.", "approx.", "no.")


@cache
def first_sentence(documentation: str) -> str:
    """Take the first sentence of a documentation string of the service model.

    Args:
        documentation: HTML, as the service model has it; may be empty.

    Returns:
        Plain text on one line.
    """
    for block in _END_OF_BLOCK.split(documentation):
        text = _plain(block)
        if text:
            return _sentence(text)
    return ""


def _plain(block: str) -> str:
    text = html.unescape(_TAG.sub(" ", block))
    return re.sub(r"\s+([.,;:!?)])", r"\1", _SPACE.sub(" ", text)).strip()


def _sentence(text: str) -> str:
    for end in _END_OF_SENTENCE.finditer(text):
        sentence = text[: end.end()]
        if not sentence.endswith(_ABBREVIATIONS):
            return sentence
    return text
