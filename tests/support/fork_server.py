"""Starts a program again and again without importing it again: each start is a fork of one process that has.

Run as ``python fork_server.py MODULE OTHER...``. The program is the module's `main`; the others are what it imports
once it runs. Each line of the standard input is a request, as JSON: `arguments`, `directory`, `environment` and `log`.
The answer is a line with the pid. When the input ends, however its writer has ended, so does all that was started.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

_IN, _OUT, _ERR = range(3)
_SIGNALS = (signal.SIGCHLD,)


def serve(module: ModuleType) -> int:
    """Fork for each request until there are no more; the exit status, of this process or of the program."""
    children: set[int] = set()
    # What ends the writer of the requests ends this process, in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: _reap(children))
    # Python gives each process a seed of its own, but only to the generator that is its module's.
    dice = [one for one in gc.get_objects() if isinstance(one, random.Random)]
    gc.freeze()
    for line in sys.stdin:
        # A child that ends at once is known before it is reaped.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        child = os.fork()
        if child == 0:
            for one in dice:
                one.seed()
            return _run(module, json.loads(line))
        children.add(child)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    _end(children)
    return 0


def _run(module: ModuleType, request: Mapping[str, Any]) -> int:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    os.setsid()
    # Only now may it be found, and told to end.
    os.write(_OUT, f"{os.getpid()}\n".encode())
    _redirect(request["log"])
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = [module.__name__, *request["arguments"]]
    return int(module.main() or 0)


def _redirect(log: str) -> None:
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for opened, wanted in ((nothing, _IN), (output, _OUT), (output, _ERR)):
        os.dup2(opened, wanted)
    os.close(nothing)
    os.close(output)


def _reap(children: set[int]) -> None:
    """Let no child stay a zombie: others wait for its end."""
    with suppress(ChildProcessError):
        while child := os.waitpid(-1, os.WNOHANG)[0]:
            children.discard(child)


def _end(children: set[int]) -> None:
    """End what still runs, and wait for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    for child in children:
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


if __name__ == "__main__":
    program, *_ = [importlib.import_module(name) for name in sys.argv[1:]]
    sys.exit(serve(program))
