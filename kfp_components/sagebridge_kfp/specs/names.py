"""Names of objects, as pipelines give them."""

from __future__ import annotations

import re
from typing import Final

from sagebridge_kfp.specs.errors import InputError

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_name(name: str, field: str = "name") -> None:
    """Check that a name is one in Kubernetes.

    Raises:
        InputError: it is not.
    """
    if not _LABEL.fullmatch(name):
        message = f"must be at most 63 lower-case letters, digits and hyphens, with none at the ends, and is {name!r}"
        raise InputError(field, message)
