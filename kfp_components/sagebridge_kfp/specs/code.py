"""The three levels of saying what runs: a built-in algorithm, a framework with a script, a container image."""

from __future__ import annotations

import re
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Code
from sagebridge_kfp.specs.origins import Origin, origins
from sagebridge_kfp.specs.values import given

_CONFIG_MAP: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def code_origins(prefix: str = "", *, source: str = "source") -> tuple[Origin, ...]:
    """The fields that say what runs, below a prefix, and those of its code."""
    return origins(
        prefix,
        algorithm=("algorithm", "algorithm.name"),
        algorithm_version="algorithm.version",
        framework=("framework", "framework.name"),
        framework_version="framework.version",
        python_version="framework.pythonVersion",
        base_framework="framework.baseFramework",
        entry_point=f"{source}.entryPoint",
        source=(f"{source}.s3Uri", f"{source}.configMap.name"),
    )


def check_level(code: Code, *, is_overridden: bool = False) -> None:
    """Check that exactly one level is chosen, and that what belongs to a level comes with it.

    Args:
        code: the inputs.
        is_overridden: whether `spec_overrides` may choose the level.

    Raises:
        InputError: it is not so; names the input.
    """
    levels = [name for name in ("algorithm", "framework", "image") if getattr(code, name)]
    if len(levels) > 1:
        raise InputError(levels[-1], f"is given beside {levels[0]}: give exactly one of algorithm, framework and image")
    if not levels and not is_overridden:
        raise InputError("algorithm", "say what runs, by exactly one of algorithm, framework (with source) and image")
    _check_belongings(code)
    if code.framework and not code.source:
        raise InputError("source", "framework runs a script: give source, an s3:// URI or the name of a ConfigMap")


def _check_belongings(code: Code) -> None:
    if code.entry_point and not code.source:
        raise InputError("entry_point", "is given without source: where is the script? s3://... or a ConfigMap's name")
    if code.source and not code.entry_point:
        raise InputError("source", "is given without entry_point: which of its files runs?")
    if code.source and code.algorithm:
        raise InputError("source", f"the algorithm {code.algorithm} runs no script: give framework or image")
    for name in ("framework_version", "python_version", "base_framework"):
        if getattr(code, name) and not code.framework:
            raise InputError(name, "is given without framework")
    if code.algorithm_version and not code.algorithm:
        raise InputError("algorithm_version", "is given without algorithm")


def algorithm_section(code: Code) -> dict[str, Any]:
    """The spec's `algorithm`."""
    return given({"name": code.algorithm, "version": code.algorithm_version})


def framework_section(code: Code) -> dict[str, Any]:
    """The spec's `framework`."""
    return given(
        {
            "name": code.framework,
            "version": code.framework_version,
            "pythonVersion": code.python_version,
            "baseFramework": code.base_framework,
        }
    )


def source_section(*, entry_point: str, source: str) -> dict[str, Any]:
    """The spec's `source`; empty without one.

    Args:
        entry_point: the script in it.
        source: an s3:// URI of a .tar.gz, or the name of a ConfigMap.

    Raises:
        InputError: neither of them.
    """
    if not source:
        return {}
    if source.startswith("s3://"):
        return {"entryPoint": entry_point, "s3Uri": source}
    if not _CONFIG_MAP.fullmatch(source):
        raise InputError("source", f"must be an s3:// URI of a .tar.gz or the name of a ConfigMap, and is {source!r}")
    return {"entryPoint": entry_point, "configMap": {"name": source}}
