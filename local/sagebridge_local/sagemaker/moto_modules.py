"""moto's modules, without loading them: what was not loaded was not used."""

from __future__ import annotations

import sys
from typing import Any


def loaded(name: str) -> Any:
    """A module of moto; None unless its import is over. Another thread may be importing it just now."""
    module = sys.modules.get(name)
    if module is None or getattr(module.__spec__, "_initializing", False):
        return None
    return module
