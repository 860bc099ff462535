"""What is wrong with what `on_gpu` is asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sagebridge_kfp.gpu.words import ARGUMENTS

if TYPE_CHECKING:
    from sagebridge.core.errors import SpecError

_FIELD: Final = re.compile(r"spec\.cluster(?:\.(\w+))?")


class OnGpuError(ValueError):
    """A step that can't be placed as it is asked for: nothing of it was set on the task.

    Attributes:
        argument: which argument of `on_gpu` says it, such as ``gpu.count``.
        message: what is wrong, and what would do.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(f"on_gpu: {argument}: {message}")
        self.argument = argument
        self.message = message


def from_placement(error: SpecError) -> OnGpuError:
    """Return what the placement code refuses, with the names of the arguments in place of the manifest's fields."""
    # The placement code's example has no GPU, of which it would be refused next.
    message = error.message.replace("such as ml.m5.xlarge", "such as ml.g5.xlarge")
    return OnGpuError(_in_our_words(error.field), _in_our_words(message))


def _in_our_words(text: str) -> str:
    return _FIELD.sub(lambda found: ARGUMENTS.get(found[1], found[1]) if found[1] else "cluster", text)
