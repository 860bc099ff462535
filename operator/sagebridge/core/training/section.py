"""Reading a manifest of which nothing is certain: each value is checked as it is read, and named when it is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagebridge.core.errors import SpecError


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """An object inside a manifest, and where it stands. A null counts as not given.

    Attributes:
        values: its fields.
        path: ``spec.resourceConfig``.
    """

    values: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: object, path: str) -> Section:
        """Return ``value`` as a section.

        Raises:
            SpecError: it is no object.
        """
        if not isinstance(value, Mapping):
            raise SpecError(path, f"must be an object with fields, not {_kind(value)}")
        wrong = next((key for key in value if not isinstance(key, str)), None)
        if wrong is not None:
            raise SpecError(path, f"has the key {wrong!r}, which must be a string: put it in quotes")
        return cls(values=value, path=path)

    def field(self, key: str) -> str:
        """Return where ``key`` stands."""
        return f"{self.path}.{key}"

    def has(self, key: str) -> bool:
        """Whether ``key`` is given."""
        return self.values.get(key) is not None

    def section(self, key: str) -> Section:
        """Return the object under ``key``, empty if it is not given.

        Raises:
            SpecError: there is something else.
        """
        return Section.of(self.values[key] if self.has(key) else {}, self.field(key))

    def sections(self, key: str) -> list[Section]:
        """Return the objects in the list under ``key``.

        Raises:
            SpecError: there is something else.
        """
        value = self.values.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise SpecError(self.field(key), f"must be a list, not {_kind(value)}")
        return [Section.of(item, f"{self.field(key)}[{index}]") for index, item in enumerate(value)]

    def text(self, key: str) -> str | None:
        """Return the text under ``key``.

        Raises:
            SpecError: there is something else; a number gets the hint to put it in quotes.
        """
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        hint = f': put it in quotes, "{value}"' if isinstance(value, int | float) else ""
        raise SpecError(self.field(key), f"must be a text, not {_kind(value)}{hint}")

    def required_text(self, key: str, *, hint: str) -> str:
        """Return the text under ``key``, which must be there and not be empty.

        Raises:
            SpecError: it is missing; ``hint`` says what to give.
        """
        value = self.text(key)
        if not value:
            raise SpecError(self.field(key), f"is missing: {hint}")
        return value

    def number(self, key: str) -> int | None:
        """Return the whole number under ``key``.

        Raises:
            SpecError: there is something else.
        """
        value = self.values.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise SpecError(self.field(key), f"must be a whole number, not {_kind(value)}")

    def flag(self, key: str) -> bool:
        """Return the boolean under ``key``, false if it is not given.

        Raises:
            SpecError: there is something else.
        """
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise SpecError(self.field(key), f"must be true or false, not {_kind(value)}")


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a text", type(None): "null"}
    if isinstance(value, Mapping):
        return "an object"
    return kinds.get(type(value), "a list")
