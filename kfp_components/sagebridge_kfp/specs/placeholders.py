"""Placeholders of Kubeflow Pipelines, and of Argo Workflows before it, that nobody has filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sagebridge_kfp.specs.schema import Problem

_LEFT: Final = re.compile(r"\{\{(\$\.|workflow\.)[^{}]*\}\}")


def unfilled(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the texts of a spec with a placeholder in them: in a path or an environment it would be taken as it is.

    Source: https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/resolve.go (the driver knows a
        placeholder of the run only where it is the whole input)
    """
    for path, text in _texts(spec, ()):
        left = _LEFT.search(text)
        if left:
            message = (
                f"has {left[0]} in it, which Kubeflow Pipelines has not filled in: it does so where a placeholder is "
                "the whole of an input. Let a component of yours take it so, and make the text of it"
            )
            yield path, message


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, str(number)))
