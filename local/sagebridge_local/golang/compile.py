"""Runs the Go compiler and reports how far it is."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sagebridge_local.golang import toolchain as toolchains
from sagebridge_local.golang.errors import explain
from sagebridge_local.golang.progress import BuildProgress
from sagebridge_local.golang.toolchain import Toolchain

_PACKAGE = re.compile(r"[\w.~-]+(?:/[\w.~-]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiler:
    """One build of one main package.

    Attributes:
        module: The folder of the module; it is only read.
        package: The main package.
        linker_flags: What ``-ldflags`` gets.
        toolchain: The Go to build with; installed first if it is not there.
        system: The system to build for, as GOOS names it; this machine's by default.
    """

    module: Path
    package: str
    linker_flags: str
    toolchain: Toolchain
    system: str = ""

    def build(self, output: Path, *, log: Path, progress: BuildProgress) -> None:
        """Download, compile and link.

        Args:
            output: The binary to write.
            log: Where everything the compiler says is kept.
            progress: Told of each phase, and of each module and package.

        Raises:
            BuildError: Something failed; the message says what to do.
        """
        progress.phase(f"preparing {self.toolchain.version}")
        toolchains.install(self.toolchain)
        log.unlink(missing_ok=True)
        progress.phase("downloading modules")
        stale = self._stale_packages(log=log, progress=progress)
        if stale:
            progress.phase("compiling packages", total=stale)
        else:
            progress.phase("linking")
        build = ["build", "-v", "-trimpath", "-ldflags", self.linker_flags, "-o", str(output), self.package]
        compiled = 0
        for line in self._run(build, log=log):
            if _PACKAGE.fullmatch(line):
                progress.step()
                compiled += 1
                if compiled == stale:
                    progress.phase("linking")

    def _stale_packages(self, *, log: Path, progress: BuildProgress) -> int:
        """Download the modules of the packages needed, and count the packages that are still to be compiled."""
        packages = 0
        template = "{{if .Stale}}{{.ImportPath}}{{end}}"
        for line in self._run(["list", "-deps", "-trimpath", "-f", template, self.package], log=log):
            if line.startswith("go: downloading"):
                progress.step()
            elif _PACKAGE.fullmatch(line):
                packages += 1
        return packages

    def _run(self, arguments: list[str], *, log: Path) -> Iterator[str]:
        go = self.toolchain.go
        with (
            log.open("a", encoding="utf-8") as transcript,
            subprocess.Popen(
                [go, *arguments],
                cwd=self.module,
                env=self.toolchain.environment() | ({"GOOS": self.system} if self.system else {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            try:
                yield from _lines(process.stdout, transcript)
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            said = log.read_text(encoding="utf-8").splitlines()
            complaints = "\n".join(line for line in said if not _PACKAGE.fullmatch(line.strip()))
            raise explain(what=f"go {arguments[0]} of {self.package}", output=complaints, log=log)


def _lines(output: IO[str] | None, transcript: IO[str]) -> Iterator[str]:
    for line in output or ():
        transcript.write(line)
        yield line.strip()
