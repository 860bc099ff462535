"""What the operator does not need, and would pay for in seconds and megabytes at every start."""

from __future__ import annotations

import importlib
import sys

_CLIENTS = ("kubernetes", "pykube")


def import_kopf_alone() -> None:
    """Import kopf without the Kubernetes clients that it loads when it finds them installed.

    kopf only wants them to recognise their classes, which nothing here uses. They can be imported afterwards as ever:
    an exec plugin in a kubeconfig needs one.
    """
    if "kopf" in sys.modules:
        return
    hidden = [name for name in _CLIENTS if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("kopf")
    finally:
        for name in hidden:
            del sys.modules[name]
