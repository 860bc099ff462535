"""The demo's own folder, environment and signals: nothing of it meets what the user has, and nothing stays running."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from filelock import FileLock, Timeout

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.stack import LocalStack, aws
from sagebridge_local.stack.files import private_directory

NAME: Final = "demo"
_LOCK: Final = "demo.lock"
_FOREIGN: Final = ("AWS_", "SAGEBRIDGE_", "KUBE")
_ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """Where the demo keeps its files.

    Attributes:
        directory: The folder that holds all of the others.
    """

    directory: Path

    @property
    def stack(self) -> Path:
        """Of the local stack: its logs and the work files of the local SageMaker."""
        return self.directory / "stack"

    @property
    def held_out(self) -> Path:
        """The rows that no training job sees."""
        return self.directory / "held-out.csv"

    @property
    def predictions(self) -> Path:
        """What batch transform has said to them."""
        return self.directory / "predictions.csv"

    @property
    def model(self) -> Path:
        """Where the model is unpacked."""
        return self.directory / "model"

    @property
    def kubectl_cache(self) -> Path:
        """What kubectl would otherwise leave in the home directory."""
        return self.directory / "kubectl-cache"

    @property
    def report(self) -> Path:
        """The report."""
        return self.directory / "report.json"

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Hold the folder, with what an earlier demo has left in it ended and removed.

        Raises:
            DemoError: It holds other things, or another demo works there now.
        """
        lock_file = self.directory / _LOCK
        if self.directory.exists() and any(self.directory.iterdir()) and not lock_file.exists():
            raise DemoError(f"{self.directory} is not empty, and not of an earlier demo: choose another --work-dir.")
        private_directory(self.directory)
        lock = FileLock(lock_file)
        try:
            lock.acquire(blocking=False)
        except Timeout as error:
            raise DemoError(f"Another demo works in {self.directory}: wait for it, or choose a --work-dir.") from error
        with lock:
            lock_file.touch()
            LocalStack(self.stack, name=NAME).down()
            self._clear(keep=lock_file)
            yield

    def _clear(self, *, keep: Path) -> None:
        for path in self.directory.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != keep:
                path.unlink()


def isolated(variables: Mapping[str, str], *, workplace: Workplace, poll_interval: float) -> dict[str, str]:
    """Return an environment without the user's AWS, Kubernetes and Sagebridge settings.

    Args:
        variables: The environment as it is.
        workplace: The demo's folder, where kubectl's cache goes too.
        poll_interval: Seconds between two looks of the operator at the jobs' states.
    """
    kept = {name: value for name, value in variables.items() if not name.startswith(_FOREIGN)}
    return (
        kept
        | aws.no_proxy(variables)
        | {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "KUBECACHEDIR": str(workplace.kubectl_cache),
            "SAGEBRIDGE_POLL_INTERVAL_SECONDS": str(poll_interval),
        }
    )


def pass_over_signals() -> None:
    """Let nothing short of SIGKILL interrupt what comes now: the cleaning up."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def orderly_end() -> Iterator[None]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into KeyboardInterrupt and pass over more of them: cleaning up comes."""

    def end(number: int, _: FrameType | None) -> NoReturn:
        pass_over_signals()
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.signal(number, end) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
