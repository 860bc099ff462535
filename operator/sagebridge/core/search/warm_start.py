"""Which searches another may learn from, and what may differ between them.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sagebridge.core.search.definition import Definition
    from sagebridge.core.search.ranges import Parameter

IDENTICAL: Final = "IdenticalDataAndAlgorithm"
MOST_CHANGES: Final = 10
"""Of hyperparameters that become static, and of static values."""

_CONFIG: Final = "warmStartConfig"
_OBJECTIVE: Final = "hyperParameterTuningJobConfig.hyperParameterTuningJobObjective"
_RANGES: Final = "hyperParameterTuningJobConfig.parameterRanges"
_STATIC: Final = "trainingJobDefinition.staticHyperParameters"
_SAME: Final = (
    ("InputDataConfig", "trainingJobDefinition.inputDataConfig"),
    ("AlgorithmSpecification", "trainingJobDefinition.algorithmSpecification"),
)
_CHANGE_OF_VALUE: Final = 2
"""The old value counts, and the new one."""


class ParentError(ValueError):
    """A search that can't be learned from; the text says why.

    Attributes:
        field: what of the search that is to learn keeps it from it, as a path in lowerCamelCase.
    """

    def __init__(self, message: str, *, field: str = _CONFIG) -> None:
        super().__init__(message)
        self.field = field


def check_one(definitions: Sequence[Definition]) -> None:
    """A search that learns has one training definition.

    Raises:
        ParentError: it has several.
    """
    if len(definitions) != 1 or definitions[0].name:
        raise ParentError("Warm start is not supported with TrainingJobDefinitions")


def check_fit(mine: Definition, parent: Definition, *, name: str, kind: str) -> None:
    """A parent tunes the same objective by as many hyperparameters, of which few have become others.

    An identical one tunes the same hyperparameters with the same data and algorithm.

    Args:
        mine: the search that is to learn.
        parent: the first definition of the search that it is to learn from.
        name: what that is called.
        kind: WarmStartType.

    Raises:
        ParentError: it does not fit.
    """
    if (parent.metric, parent.maximize) != (mine.metric, mine.maximize):
        raise ParentError(f"The parent {name} must have the same objective metric and type", field=_OBJECTIVE)
    if kind == IDENTICAL:
        _check_identical(mine, parent, name=name)
    _check_number(mine, parent, name=name)
    _check_types(mine, parent, name=name)
    _check_changes(mine, parent, name=name)


def _check_identical(mine: Definition, parent: Definition, *, name: str) -> None:
    for member, field in _SAME:
        if parent.request.get(member) != mine.request.get(member):
            raise ParentError(
                f"{IDENTICAL} needs the input data and the algorithm of the parent {name}: use TransferLearning",
                field=field,
            )
    if _names(parent) != _names(mine):
        message = f"{IDENTICAL} needs the same hyperparameters, static or tunable, as {name}"
        raise ParentError(f"{message}; {_difference(mine, parent)}", field=_STATIC)


def _check_number(mine: Definition, parent: Definition, *, name: str) -> None:
    if len(_names(mine)) != len(_names(parent)):
        message = f"must have as many hyperparameters, static and tunable, as the parent {name}"
        raise ParentError(f"{message}; {_difference(mine, parent)}", field=_STATIC)


def _check_types(mine: Definition, parent: Definition, *, name: str) -> None:
    before = {item.name: _type(item) for item in parent.parameters}
    for item in mine.parameters:
        kind = before.get(item.name, _type(item))
        if kind != _type(item):
            message = f"{item.name} must be {kind}, as in the parent {name}, and is {_type(item)}"
            raise ParentError(message, field=_RANGES)


def _check_changes(mine: Definition, parent: Definition, *, name: str) -> None:
    fixed = sum(max(1, len(item.values)) for item in parent.parameters if item.name in mine.static)
    both = mine.static.keys() & parent.static.keys()
    other = sum(_CHANGE_OF_VALUE for key in both if mine.static[key] != parent.static[key])
    if fixed + other > MOST_CHANGES:
        message = (
            f"must not differ from the parent {name} in more than {MOST_CHANGES} values: {fixed} of hyperparameters "
            f"that were tunable, and {other} of static ones, of which the old and the new one count"
        )
        raise ParentError(message, field=_STATIC)


def _names(definition: Definition) -> set[str]:
    return {*definition.static, *(item.name for item in definition.parameters)}


def _difference(mine: Definition, parent: Definition) -> str:
    """Which hyperparameters only one of them has."""
    found = (
        ("missing", _names(parent) - _names(mine)),
        ("not of the parent", _names(mine) - _names(parent)),
    )
    return "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in found if names)


def _type(item: Parameter) -> str:
    return "categorical" if item.values else "integer" if item.is_integer else "continuous"
