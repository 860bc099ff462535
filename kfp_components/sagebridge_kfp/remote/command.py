"""The command of a step that has its component run elsewhere: made where pipelines are compiled, read in the pod."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.remote.places import EXECUTOR_INPUT
from sagebridge_kfp.remote.settings import Settings

_FLAG: Final = "--executor_input"
_SOURCE_FILE: Final = "ephemeral_component.py"
"""What kfp calls the file that it writes a component's source to; the source is the next word."""
# kfp sees to it by this variable that no compiler is imported.
_START: Final = '_KFP_RUNTIME=true exec python3 -m sagebridge_kfp.remote.step "$0" "$@"\n'


def remote_command(settings: Settings, command: Sequence[str]) -> list[str]:
    """The step's command: the settings and, word by word, the component's own command. The arguments stay as they are.

    So the component's source can be read in the pipeline as with any other one, and kfp.local takes it for a
    lightweight component, which it is.
    """
    return ["sh", "-ec", _START, settings.to_text(), *command]


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """What a step was started with.

    Attributes:
        settings: where the component runs.
        words: the component's own command and arguments, with the placeholder where the executor input was.
        executor_input: what it is called with: inputs, and where its outputs are expected.
    """

    settings: Settings
    words: tuple[str, ...]
    executor_input: Mapping[str, Any]

    @classmethod
    def of(cls, arguments: Sequence[str]) -> Command:
        """Read the arguments of the step's process.

        Raises:
            ValueError: they are not what `remote_command` makes.
        """
        first, *words = _as_compiled(arguments)
        place = words.index(_FLAG) + 1
        executor_input = json.loads(words[place])
        words[place] = EXECUTOR_INPUT
        return cls(settings=Settings.of_text(first), words=tuple(words), executor_input=executor_input)


def _as_compiled(arguments: Sequence[str]) -> list[str]:
    """The arguments as the pipeline has them.

    kfp.local puts the path of its own Python where they say python3, but for the source; the job has another one.
    """
    before_source = next((each for each in arguments if _SOURCE_FILE in each), None)
    source = None if before_source is None else arguments.index(before_source) + 1
    return [
        each if number == source else each.replace(sys.executable, "python3") for number, each in enumerate(arguments)
    ]
