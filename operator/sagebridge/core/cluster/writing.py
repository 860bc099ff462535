"""What is written in objects of the cluster, as JSON, where others may have written over it."""

from __future__ import annotations

import json
from typing import Any


def read(text: str | None) -> Any:
    """What it holds; None if that is no JSON, or nests too deep to be read."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
