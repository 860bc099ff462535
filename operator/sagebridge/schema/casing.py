"""The case of keys: `S3Uri` in AWS's API is `s3Uri` in a manifest.

Only the first letter, or the leading acronym, is lowered. The way back never goes through text: `convert` looks the
members of a shape up in `lowered_members`, so that no name has to be guessed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import StructureShape

# Words that mix cases themselves, so that the rule for acronyms would split them (`mLflowConfig`, `fSxLustreConfig`).
_MIXED_CASE_WORDS = ("FSx", "MLflow")

# An acronym ends before the capital that begins the next word: KMSKeyId is KMS + KeyId, S3Uri is S + 3Uri.
_LEADING_ACRONYM = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]+")


class CasingCollisionError(ValueError):
    """Two members of one shape would get the same key."""


@cache
def lower_first(name: str) -> str:
    """Lower the first letter, or the leading acronym, of an API name.

    Args:
        name: A member name of the API, such as `VolumeSizeInGB` or `KMSKeyId`.

    Returns:
        The key in a manifest, such as `volumeSizeInGB` or `kmsKeyId`.
    """
    for word in _MIXED_CASE_WORDS:
        if name.startswith(word):
            return word.lower() + name[len(word) :]
    return _LEADING_ACRONYM.sub(lambda found: found.group().lower(), name, count=1) if name[:1].isupper() else name


def lowered_members(shape: StructureShape) -> Mapping[str, str]:
    """Map the manifest keys of a structure to its member names in the API.

    Raises:
        CasingCollisionError: Two members would share a key.
    """
    keys: dict[str, str] = {}
    for member in shape.members:
        key = lower_first(member)
        if key in keys:
            raise CasingCollisionError(f"{shape.name}: {keys[key]} and {member} would both be {key}")
        keys[key] = member
    return keys
