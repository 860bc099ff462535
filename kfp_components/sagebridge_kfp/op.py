"""The decorator that makes a component of a typed function; in a step's pod it leaves the function as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sagebridge_kfp.last_word import end_plainly

if TYPE_CHECKING:
    from sagebridge_kfp.component import Op

NOTHING: Final[dict[str, Any]] = {}
"""The default of inputs that are dictionaries."""

NO_WORDS: Final[list[Any]] = []
"""The default of inputs that are lists."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a component is in a step's pod, where kfp has no compiler: its function."""

    python_func: Callable[..., Any]


def op(
    *,
    name: str,
    kind: str = "",
    caches: bool = True,
    takes_texts: bool = False,
    check: Callable[[Mapping[str, Any]], object] | None = None,
) -> Callable[[Callable[..., Any]], Op]:
    """Decorate a typed function, which becomes a component.

    Args:
        name: the component's name, such as `training-job`.
        kind: the kind of the objects that it makes.
        caches: whether a task with the same inputs may take the outputs of an earlier one; no for what changes
            something that is not among its outputs.
        takes_texts: whether inputs of any type may be texts; its function reads them.
        check: what refuses wrong inputs in the step, given all by name: constants are checked by it where a pipeline
            is compiled. With `takes_texts`, what refuses constants, given those by name.
    """

    def decorate(function: Callable[..., Any]) -> Op:
        # kfp's own sign that it runs a step: it leaves out whatever makes pipelines.
        if os.environ.get("_KFP_RUNTIME") == "true":
            end_plainly()
            return cast("Op", Step(function))
        if takes_texts:
            from sagebridge_kfp.compat.component import CompatOp

            return CompatOp(function, name=name, kind=kind, caches=caches, check_given=check)
        from sagebridge_kfp.component import Op

        return Op(function, name=name, kind=kind, caches=caches, check=check)

    return decorate
