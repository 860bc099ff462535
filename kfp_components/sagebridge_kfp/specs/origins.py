"""Of which input a field of a spec was made: what is refused is told by the name that the pipeline's author wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

_ITEMS: Final[Mapping[str, tuple[str, str]]] = {
    "tags": ("key", "value"),
    "inputDataConfig": ("channelName", ""),
    "metricDefinitions": ("name", "regex"),
    "integerParameterRanges": ("name", ""),
    "continuousParameterRanges": ("name", ""),
    "categoricalParameterRanges": ("name", "values"),
    "processingInputs": ("inputName", ""),
    "outputs": ("outputName", ""),
}
"""Lists that are objects among the inputs: the field that was the key, and the one that was all of the value."""


class Made(Protocol):
    """What a field was made of."""

    @property
    def name(self) -> str:
        """As the pipeline's author calls it."""

    @property
    def path(self) -> str:
        """The field below `spec`, with dots."""


M = TypeVar("M", bound=Made)


@dataclass(frozen=True, slots=True)
class Origin:
    """An input, and the field below `spec` that is made of it."""

    name: str
    path: str


def origins(prefix: str = "", /, **paths: str | tuple[str, ...]) -> tuple[Origin, ...]:
    """Inputs by name, each with the field, or fields, below a prefix that are made of it."""
    return tuple(
        Origin(name, prefix + path)
        for name, several in paths.items()
        for path in ((several,) if isinstance(several, str) else several)
    )


def nearest(made: Iterable[M], path: str) -> M | None:
    """The one whose field is nearest above a path; None if there is none."""
    above = [each for each in made if each.path and f"{path}.".startswith(f"{each.path}.")]
    return max(above, key=lambda each: len(each.path), default=None)


def input_of(made: Iterable[Origin], path: Sequence[str], spec: Mapping[str, Any]) -> str | None:
    """The input that a field was made of, with what is wrong within it: `channels.train.dataSource`.

    Args:
        made: the inputs.
        path: the field, below `spec`.
        spec: all of it.
    """
    origin = nearest(made, ".".join(path))
    if origin is None:
        return None
    at = origin.path.split(".")
    rest = list(path[len(at) :])
    if rest and at[-1] in _ITEMS:
        rest = _item(_value(spec, [*at, rest[0]]), rest, *_ITEMS[at[-1]])
    return ".".join((origin.name, *rest))


def _item(item: Any, rest: list[str], key: str, value: str) -> list[str]:
    """The rest of a path into a list, with the item's name for its number."""
    name = item.get(key) if isinstance(item, Mapping) else None
    within = rest[2:] if value and rest[1:2] == [value] else rest[1:]
    return [str(name or rest[0]), *within]


def _value(value: Any, path: Sequence[str]) -> Any:
    for name in path:
        value = value[int(name)] if isinstance(value, list) else value.get(name)
    return value
