"""Runs a user's script in an image that lacks SageMaker's training toolkit, as the toolkit would.

This file is copied into a volume and runs on the image's own Python: one file, the standard library, Python 3.7 or
newer. Of failures it says what `sagebridge.core.container.failure` says, in the same words.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TERMINATED = 128 + signal.SIGTERM

_EXCEPTION = re.compile(r"\b\w*(?:Error|Exception|KeyboardInterrupt|SystemExit)\b")
_LAST_LINES = 10
_ERROR_LINES = 1000
_DRAIN_SECONDS = 5


class Children:
    """What runs at the moment, and whether it was asked to end."""

    def __init__(self) -> None:
        self.terminated = False
        self._running: subprocess.Popen[bytes] | None = None

    def listen(self) -> None:
        """Pass SIGTERM and SIGINT on from now on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._pass_on)

    def run(self, command: Sequence[str], directory: str, environment: dict[str, str]) -> tuple[int, list[str]]:
        """Run a command to its end.

        Returns:
            Its exit code, 128 + n for signal n, and the last lines that it wrote to stderr.

        Raises:
            OSError: it can't be started.
        """
        lines: collections.deque[str] = collections.deque(maxlen=_ERROR_LINES)
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._running = process
        if self.terminated:  # the signal came before there was anything to pass it on to
            self._signal(signal.SIGTERM)
        reader = threading.Thread(target=_copy, args=(process.stderr, lines), daemon=True)
        reader.start()
        code = process.wait()
        self._running = None
        # A process that was left behind can hold the pipe open for ever.
        reader.join(_DRAIN_SECONDS)
        return code if code >= 0 else 128 - code, list(lines)

    def _pass_on(self, number: int, _frame: object) -> None:
        self.terminated = True
        self._signal(number)

    def _signal(self, number: int) -> None:
        process = self._running
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, number)


def main(launch_file: Path) -> int:
    """Install what the source asks for, run the script, and tell why it failed; returns the exit code."""
    launch = json.loads(launch_file.read_text(encoding="utf-8"))
    failure_file = Path(launch["failure"])
    children = Children()
    children.listen()
    environment = _environment(launch)
    code = _install(children, launch, environment, failure_file)
    if code:
        return code
    command = launch["command"]
    print("Invoking script with the following command:\n\n" + " ".join(command) + "\n", flush=True)
    try:
        code, lines = children.run(command, launch["directory"], environment)
    except OSError as error:
        _tell(failure_file, f"{command[0]} can't be started: {error}")
        return 1
    if code:
        _tell(failure_file, execute_user_script_error(code, lines, command))
        return 1
    return 0


def execute_user_script_error(exit_code: int, error_lines: Iterable[str], command: Sequence[str]) -> str:
    """What the toolkit writes when the script ends with an exit code other than 0."""
    message = error_message(error_lines)
    extra = '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' if exit_code in {137, -9} else ""
    head = f'ExecuteUserScriptError:\nExitCode {exit_code}\nErrorMessage "{message}"{extra}'
    return f'{head}\nCommand "{_join(command)}"'


def error_message(error_lines: Iterable[str]) -> str:
    """The part of what a script wrote to stderr that tells why it failed."""
    lines = [line.strip(" :\n") for line in error_lines]
    first = next(
        (index for index, line in enumerate(lines) if _EXCEPTION.search(line)), max(len(lines) - _LAST_LINES, 0)
    )
    return "\n ".join(dict.fromkeys(line for line in lines[first:] if line))


def _install(children: Children, launch: dict[str, Any], environment: dict[str, str], failure_file: Path) -> int:
    wanted = (["."] if launch["package"] else []) + (["-r", "requirements.txt"] if launch["requirements"] else [])
    if not wanted:
        return 0
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *wanted]
    code, _ = children.run(command, launch["directory"], environment)
    if children.terminated:
        return TERMINATED
    if code:
        _tell(
            failure_file,
            f'InstallRequirementsError:\nExitCode {code}\nErrorMessage ""\nCommand "{_join(command)}"',
        )
        return 1
    return 0


def _environment(launch: dict[str, Any]) -> dict[str, str]:
    environment = {**os.environ, **launch["environment"]}
    environment.setdefault("PYTHONUNBUFFERED", "1")
    paths = [launch["directory"], environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environment


def _copy(stream: IO[bytes], lines: collections.deque[str]) -> None:
    """Pass stderr on, and remember its lines."""
    for line in iter(stream.readline, b""):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
        lines.append(line.decode("utf-8", errors="replace"))


def _tell(failure_file: Path, text: str) -> None:
    """Write the failure file, unless the script has."""
    if not failure_file.exists():
        failure_file.write_text(text, encoding="utf-8")


def _join(command: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in command)  # shlex.join is newer than Python 3.7


if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("launch.json")))
