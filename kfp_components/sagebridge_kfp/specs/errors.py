"""How an input is refused."""

from __future__ import annotations

from collections.abc import Iterable


class InputError(ValueError):
    """An input of a step is wrong: nothing was made.

    Attributes:
        field: which one, as the pipeline's author wrote it: ``channels.train``.
        message: what is wrong, and what to do.
        others: what else is wrong, as far as it was looked for.
    """

    def __init__(self, field: str, message: str, *, others: Iterable[InputError] = ()) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message
        self.others = tuple(others)
