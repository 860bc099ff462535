"""How a step's process ends where its user has something to mend: with the message, and no traceback of ours."""

from __future__ import annotations

import sys
from types import TracebackType

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.failure import StepFailedError


def end_plainly() -> None:
    """From now on, what this process can't go on for is told by its message alone, where a user can mend it.

    kfp's executor catches nothing that a component raises, so that the interpreter prints it.
    Source: https://docs.python.org/3/library/sys.html#sys.excepthook
    """
    sys.excepthook = _tell


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, StepFailedError | InputError):
        print(error, file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
