"""Texts of others, cut and joined."""

from __future__ import annotations

from typing import Final

_ELLIPSIS: Final = "…"
_OPEN_ENDS: Final = " .,;:"
_MOST_LEFT_OUT: Final = 100


def shortened(text: str, longest: int) -> str:
    """A text of at most `longest` characters; one that is cut ends with a whole word and an ellipsis.

    A word of more than 100 characters is cut within.
    """
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    end = len(kept) if text[longest - 1].isspace() else kept.rfind(" ", max(0, longest - _MOST_LEFT_OUT))
    return (kept[:end] if end > 0 else kept).rstrip(_OPEN_ENDS) + _ELLIPSIS


def sentence(text: str) -> str:
    """A text that another sentence can follow: with a full stop, unless an ellipsis ends it."""
    return text if text.endswith(_ELLIPSIS) else f"{text.rstrip('.')}."
