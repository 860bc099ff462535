"""Installs what the submitted source asks for, into a virtual environment that is kept for the next job.

The training toolkit does the same with pip inside the container: `entry_point.install` and `modules` of
https://github.com/aws/sagemaker-training-toolkit/tree/master/src/sagemaker_training
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.core.container.entry_point import EntryPointKind
from sagebridge.runtime.failures import RunFailedError

from sagebridge_local.runtime.process import Sink, run
from sagebridge_local.runtime.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

_COMPLETE: Final = ".complete"
_FILE_OPTIONS: Final = ("-r", "-c", "-e", "-f", "--requirement", "--constraint", "--editable", "--find-links")
_ARCHIVES: Final = (".whl", ".zip", ".tar.gz")
_SITE_PACKAGES: Final = "import site, json; print(json.dumps(site.getsitepackages()))"
_HAS_PIP: Final = "import importlib.util as u; print('pip' if u.find_spec('pip') else '', end='')"


@dataclass(frozen=True, kw_only=True, slots=True)
class Installer:
    """How packages are installed.

    Attributes:
        interpreter: The local Python; its own packages stay visible.
        cache_dir: Where the virtual environments are.
        environment: Variables of the installing processes.
        sink: Takes what they write.
        offline: Whether the container has no network (EnableNetworkIsolation): then pip may use no index, either.
    """

    interpreter: str
    cache_dir: Path
    environment: Mapping[str, str]
    sink: Sink
    offline: bool

    async def prepare(self, code: Path, kind: EntryPointKind) -> str:
        """Install what the code directory asks for.

        Returns:
            The Python that has it: the interpreter itself, when nothing is asked for.

        Raises:
            RunFailedError: pip failed; the reason is the toolkit's.
        """
        wanted = _wanted(code, kind)
        if not wanted:
            return self.interpreter
        directory = self.cache_dir / await in_thread(_digest, code, wanted, self.interpreter)
        python = str(directory / "bin" / "python")
        async with _locked(directory):
            if not (directory / _COMPLETE).exists():
                await self._build(directory, python=python, code=code, wanted=wanted)
        return python

    async def make(self, directory: Path) -> str:
        """Make an environment that sees the interpreter's packages and has room for its own.

        Returns:
            Its Python.

        Raises:
            RunFailedError: that failed.
        """
        python = str(directory / "bin" / "python")
        # Without a pip of its own: the interpreter's is seen, too, and making one takes longer than most packages do.
        await self._run([self.interpreter, "-m", "venv", "--without-pip", str(directory)], directory=directory.parent)
        await self._show_parents(python=python)
        if not await _output([python, "-c", _HAS_PIP]):
            await self._run([python, "-m", "ensurepip"], directory=directory.parent)
        return python

    async def _build(self, directory: Path, *, python: str, code: Path, wanted: Sequence[str]) -> None:
        await in_thread(shutil.rmtree, directory, ignore_errors=True)
        await self.make(directory)
        index = ["--no-index"] if self.offline else []
        command = [python, "-m", "pip", "install", "--disable-pip-version-check", *index, *wanted]
        await self._run(command, directory=code)
        await in_thread((directory / _COMPLETE).touch)

    async def _show_parents(self, *, python: str) -> None:
        """Let the environment see the interpreter's packages, also when that is a virtual environment itself."""
        parents = await _output([self.interpreter, "-c", _SITE_PACKAGES])
        own = await _output([python, "-c", _SITE_PACKAGES])
        lines = "".join(f"{path}\n" for path in json.loads(parents))
        link = Path(json.loads(own)[0], "sagebridge-parent.pth")
        await in_thread(link.write_text, lines, encoding="utf-8")

    async def _run(self, command: Sequence[str], *, directory: Path) -> None:
        code = await run(command, directory=directory, environment=self.environment, sink=self.sink)
        if code:
            raise RunFailedError.algorithm(
                f'InstallRequirementsError:\nExitCode {code}\nErrorMessage ""\nCommand "{shlex.join(command)}"'
            )


def _wanted(code: Path, kind: EntryPointKind) -> list[str]:
    """What pip is asked to install, in the toolkit's order."""
    package = ["."] if kind is EntryPointKind.PACKAGE else []
    if kind is EntryPointKind.COMMAND or not (code / "requirements.txt").is_file():
        return package
    return [*package, "-r", "requirements.txt"]


def _digest(code: Path, wanted: Sequence[str], interpreter: str) -> str:
    """Names the environment by all that goes into it."""
    requirements = code / "requirements.txt"
    whole = "." in wanted or _names_files(requirements.read_text(encoding="utf-8", errors="replace"))
    files = sorted(path for path in code.rglob("*") if path.is_file()) if whole else [requirements]
    digest = hashlib.sha256(f"{Path(interpreter).resolve()}\0{interpreter}\0{wanted}".encode())
    for path in files:
        digest.update(f"\0{path.relative_to(code)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _names_files(requirements: str) -> bool:
    """Whether requirements.txt asks for what other files hold: further requirements, paths, archives."""
    words = [word for line in requirements.splitlines() for word in line.partition("#")[0].split()]
    return any(
        word.startswith(_FILE_OPTIONS)
        or ("://" not in word and ("/" in word or word == "." or word.endswith(_ARCHIVES)))
        for word in words
    )


@contextlib.asynccontextmanager
async def _locked(directory: Path) -> AsyncIterator[None]:
    """Only one job at a time builds an environment, whichever process it belongs to."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await asyncio.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


async def _output(command: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    stdout, _ = await process.communicate()
    return stdout.decode()
