"""JSON merge patches, as an API server applies them.

Source: https://www.rfc-editor.org/rfc/rfc7396
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def merged(before: Any, patch: Any) -> Any:
    """What a patch makes of a value; neither is changed."""
    if not isinstance(patch, Mapping):
        return copy.deepcopy(patch)
    after = dict(before) if isinstance(before, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = merged(after.get(key), value)
    return after
