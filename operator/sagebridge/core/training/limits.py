"""Maps and tags that go to SageMaker, held to its limits.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Tag.html
    https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html (aws: is reserved)
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.training.section import Section

MOST_VARIABLES: Final = 100
LONGEST_VARIABLE: Final = 512
MOST_TAGS: Final = 50
LONGEST_TAG_KEY: Final = 128
LONGEST_TAG_VALUE: Final = 256
RESERVED_TAG_PREFIXES: Final = {"sagebridge.io/": "mark what the operator owns", "aws:": "are AWS's own"}

_VARIABLE: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAG_PUNCTUATION: Final = frozenset("_.:/=+-@")


def plain_text(value: object, field: str) -> str:
    """Return a value as SageMaker's maps of strings take it: true, 3, 0.1, text as it is.

    Raises:
        SpecError: null, an object, a list, or a number that JSON does not have.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if value is None:
        raise SpecError(field, 'has no value: give one, "" for an empty text, or remove it')
    raise SpecError(field, "must be a text, a number or a boolean")


def merge_environment(
    section: Section, inherited: Mapping[str, str], *, longest: int = LONGEST_VARIABLE
) -> dict[str, str]:
    """Return the container's environment: the manifest's own values win over those from ``environmentFrom``.

    Args:
        section: the job.
        inherited: what ``environmentFrom`` gives.
        longest: the most characters of a value, which differ between kinds.

    Raises:
        SpecError: a Secret, or what SageMaker would not take.
    """
    for source in section.sections("environmentFrom"):
        if source.has("secretRef"):
            message = (
                "SageMaker shows environment variables in plaintext, so a Secret does not belong there: keep it in "
                "AWS Secrets Manager and read it in your code with its role"
            )
            raise SpecError(source.field("secretRef"), message)
    own = section.section("environment")
    merged = {
        key: _checked(key, value, section.field("environmentFrom"), longest=longest) for key, value in inherited.items()
    }
    merged |= {
        key: _checked(key, plain_text(value, own.field(key)), own.path, longest=longest)
        for key, value in own.values.items()
    }
    if len(merged) > MOST_VARIABLES:
        message = f"has {len(merged)} variables with those of environmentFrom, and SageMaker takes {MOST_VARIABLES}"
        raise SpecError(own.path, message)
    return merged


def _checked(key: str, value: str, path: str, *, longest: int) -> str:
    if not _VARIABLE.fullmatch(key) or len(key) > LONGEST_VARIABLE:
        message = f'has the name "{key[:80]}", but names are made of letters, digits and _, and no digit comes first'
        raise SpecError(path, message)
    if len(value) > longest:
        message = (
            f"has {len(value)} characters, and SageMaker takes {longest}: put it in a file, of a channel or of "
            "the model"
        )
        raise SpecError(f"{path}.{key}", message)
    return value


def merge_tags(section: Section, ownership: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the user's tags and after them those that mark the owner.

    Raises:
        SpecError: a reserved or repeated key, characters or lengths that AWS refuses, or too many.
    """
    tags: dict[str, str] = {}
    for tag in section.sections("tags"):
        key = tag.required_text("key", hint="a tag has a key and a value")
        _check_tag(tag, key, tag.text("value") or "")
        if key in tags:
            raise SpecError(tag.field("key"), f'"{key}" is given twice: keep one')
        tags[key] = tag.text("value") or ""
    if len(tags) + len(ownership) > MOST_TAGS:
        message = (
            f"has {len(tags)} tags, and AWS takes {MOST_TAGS}, of which the operator needs {len(ownership)}: "
            f"keep at most {MOST_TAGS - len(ownership)}"
        )
        raise SpecError(section.field("tags"), message)
    return [{"key": key, "value": value} for key, value in (tags | dict(sorted(ownership.items()))).items()]


def _check_tag(tag: Section, key: str, value: str) -> None:
    for prefix, reason in RESERVED_TAG_PREFIXES.items():
        if key.lower().startswith(prefix):
            raise SpecError(tag.field("key"), f"tags that start with {prefix} {reason}: choose another key")
    for name, text, longest in (("key", key, LONGEST_TAG_KEY), ("value", value, LONGEST_TAG_VALUE)):
        if len(text) > longest:
            raise SpecError(tag.field(name), f"has {len(text)} characters, and AWS takes {longest}")
        wrong = next((character for character in text if not _may_stand_in_tag(character)), None)
        if wrong is not None:
            message = f"holds {wrong!r}, but AWS takes letters, digits, spaces and {' '.join(sorted(_TAG_PUNCTUATION))}"
            raise SpecError(tag.field(name), message)


def _may_stand_in_tag(character: str) -> bool:
    return character in _TAG_PUNCTUATION or unicodedata.category(character)[0] in "LZN"
