"""What can be refused where a pipeline is compiled: inputs that are wrong whatever the others will be in a run.

A component's inputs are checked by the code that checks them in its step. For inputs that are only known in a run there
are stand-ins, with all that may be given or left out; what is told of a stand-in's own value does not count. Where one
way is left in which the step might go on, it is left to the step.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kfp.dsl import structures

from sagebridge_kfp.specs.errors import InputError

Check = Callable[[Mapping[str, Any]], object]
"""Takes all inputs by name, as a step has them; raises InputError."""

_OVERRIDES: Final = "spec_overrides"
_MOST_OPEN: Final = 10
"""With more inputs that are only known in a run, what may be given are too many cases."""

_EMPTY: Final[Mapping[str, Any]] = {"String": "", "Integer": 0, "Boolean": False, "Dict": {}, "List": []}
_GIVEN: Final[Mapping[str, Any]] = {
    "String": "s3://stand-in/stand-in.tar.gz",
    "Integer": 1,
    "Boolean": True,
    "Dict": {"stand-in": "s3://stand-in/stand-in"},
    "List": ["stand-in"],
}
_RANGE: Final = {"stand-in": [1, 2]}
_NAMED: Final[Mapping[str, Any]] = {
    "name": "stand-in",
    "image": "stand-in:1",
    "integer_ranges": _RANGE,
    "continuous_ranges": _RANGE,
    "categorical_ranges": _RANGE,
    "environment": {"SAGEMAKER_PROGRAM": "stand-in.py"},
    "cluster": {"image": "stand-in:1"},
}
"""Stand-ins of inputs whose own form is checked before others are looked at, or that may make others right."""

_TARGETS: Final = ("SageMaker", "Cluster", "")
_BY_VALUE: Final[Mapping[str, frozenset[str]]] = {
    "objective_metric": frozenset({"metric_definitions"}),
    "image": frozenset({"region", "instance_type", "model_uri"}),
    "instance_type": frozenset({"region"}),
}
"""Inputs of which is refused what other inputs' values make wrong, and those others."""


def check_constants(check: Check, inputs: Mapping[str, Any], declared: Mapping[str, structures.InputSpec]) -> None:
    """Refuse constants that the step is certain to refuse.

    Args:
        check: the step's.
        inputs: those that are given, by name.
        declared: all that the component has, with their defaults.

    Raises:
        InputError: one is wrong; names it.
    """
    known = {name: each.default for name, each in declared.items() if each.optional}
    known |= {name: _arriving(value) for name, value in inputs.items()}
    unknown = [path for name, value in known.items() for path in _unknown(value, name)]
    if any(_root(path) == _OVERRIDES for path in unknown):
        return
    whole = [path for path in unknown if path in declared]
    if len(whole) <= _MOST_OPEN:
        within = {path for path in unknown if path not in declared}
        _check_cases(check, known, {name: _stand_ins(name, declared[name].type) for name in whole}, within)


def is_constant(value: Any) -> bool:
    """Whether nothing of a value is only known in a run."""
    return not _has_unknown(_arriving(value))


def _check_cases(
    check: Check, known: Mapping[str, Any], cases: Mapping[str, tuple[Any, ...]], within: set[str]
) -> None:
    first: InputError | None = None
    constants = {name: _filled(value) for name, value in known.items()}
    for values in itertools.product(*cases.values()):
        case = dict(zip(cases, values, strict=True))
        inputs = {**constants, **case}
        standing_in = within | {name for name, value in case.items() if value}
        refused = next((each for each in _refusals(check, inputs) if _is_certain(each, inputs, standing_in)), None)
        if refused is None:
            return
        first = first or refused
    if first is not None:
        raise InputError(first.field, first.message)


def _refusals(check: Check, inputs: Mapping[str, Any]) -> Iterator[InputError]:
    try:
        check(inputs)
    except InputError as error:
        yield error
        yield from error.others
    except (AttributeError, LookupError, TypeError, ValueError):
        # No input of its type, which kfp tells, or the step.
        return


def _is_certain(refused: InputError, inputs: Mapping[str, Any], standing_in: set[str]) -> bool:
    """Whether it holds whatever is stood in for: it is neither told of a stand-in, nor by a stand-in's value."""
    root = _root(refused.field)
    if "stand-in" in refused.message:
        return False
    if any(_is_within(refused.field, path) or _is_within(path, refused.field) for path in standing_in):
        return False
    # Of an input that is empty, only whether others are given counts.
    if inputs.get(root) and _BY_VALUE.get(root, frozenset()) & {_root(path) for path in standing_in}:
        return False
    return root in inputs or not standing_in


def _is_within(path: str, above: str) -> bool:
    return f"{path}.".startswith(f"{above}.")


def _root(path: str) -> str:
    return path.partition(".")[0]


def _stand_ins(name: str, declared: str) -> tuple[Any, ...]:
    """What may stand in for an input: what is given first, and what says that it is not."""
    if name == "target":
        return _TARGETS
    kind = declared.partition("[")[0]
    return _NAMED.get(name, _GIVEN.get(kind)), _EMPTY.get(kind)


class _Unknown:
    """In the place of what is only known in a run."""


def _arriving(value: Any) -> Any:
    """A value as it arrives in the step, with what is only known in a run marked."""
    if isinstance(value, Mapping):
        if any("{{" in str(key) for key in value):
            return _Unknown()
        return {str(key): item if item is None else _arriving(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if item is None else _arriving(item) for item in value]
    # A placeholder is a text, and so is a text with a parameter in it.
    is_constant = isinstance(value, str | int | float) and "{{" not in str(value)
    return value if is_constant else _Unknown()


def _unknown(value: Any, path: str) -> Iterator[str]:
    """The paths of what is only known in a run: an input, or an item of one, for within it names may differ."""
    if isinstance(value, Mapping):
        yield from (f"{path}.{name}" for name, item in value.items() if _has_unknown(item))
    elif _has_unknown(value):
        yield path


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_has_unknown, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, _Unknown)


def _filled(value: Any) -> Any:
    if isinstance(value, _Unknown):
        return _GIVEN["String"]
    if isinstance(value, Mapping):
        return {name: _filled(item) for name, item in value.items()}
    return [_filled(item) for item in value] if isinstance(value, list) else value
