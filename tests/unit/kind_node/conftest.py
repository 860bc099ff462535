"""Programs that write down how they were called, in place of docker, kind and kubectl."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from sagebridge_local.stack import kubectl

NOTED = ("KUBECONFIG", "KIND_EXPERIMENTAL_PROVIDER", "BUILDX_NO_DEFAULT_ATTESTATIONS")
"""The variables that are written down with each call."""

# It runs a dozen times in some tests, so it is no Python.
PROGRAM = r"""#!/bin/sh
PATH=/usr/bin:/bin
recorded={recorded}
program=${{0##*/}}
printf '%s\0' "$program" "$@" {variables} end >> "$recorded/calls"
for word; do
  case "$program $word" in
    "kind --config="*|"docker --file="*) cp "${{word#*=}}" "$recorded/${{word%%=*}}" ;;
    "docker "/*) if test "$1" = build && test -e "$word/Dockerfile"; then cp -pR "$word" "$recorded/context"; fi ;;
  esac
done
line="$program $* "
. "$recorded/answers"
"""


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a program was called.

    Attributes:
        words: Its name and its arguments.
        environment: What ``NOTED`` names.
    """

    words: list[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Programs:
    """The programs, and what they were asked.

    Attributes:
        path: The only folder of PATH.
        recorded: For what is written down.
    """

    path: Path
    recorded: Path

    def install(self, *names: str) -> None:
        variables = " ".join(f'"${name}"' for name in NOTED)
        for name in names:
            file = self.path / name
            file.write_text(PROGRAM.format(recorded=shlex.quote(str(self.recorded)), variables=variables))
            file.chmod(0o755)

    def answer(self, *beginning: str, out: str = "", error: str = "", status: int = 0) -> None:
        """Let commands that begin so say this, from now on; all others say nothing and succeed."""
        said = f"printf %s {shlex.quote(out)}; printf %s {shlex.quote(error)} >&2; exit {status}"
        file = self.recorded / "answers"
        file.write_text(
            f'case "$line" in {shlex.quote(" ".join(beginning) + " ")}*) {said} ;; esac\n{file.read_text()}'
        )

    @property
    def calls(self) -> list[Call]:
        """All of them, in turn."""
        file = self.recorded / "calls"
        calls, call = [], list[str]()
        for word in file.read_text().split("\0")[:-1] if file.exists() else []:
            if word != "end":
                call.append(word)
                continue
            split = len(call) - len(NOTED)
            calls.append(Call(words=call[:split], environment=dict(zip(NOTED, call[split:], strict=True))))
            call = []
        return calls

    def words(self, *beginning: str) -> list[list[str]]:
        """The calls that begin so, as words."""
        return [call.words for call in self.calls if tuple(call.words[: len(beginning)]) == beginning]

    def lines(self, *beginning: str) -> list[str]:
        """The same as lines."""
        return [" ".join(words) for words in self.words(*beginning)]

    def file(self, option: str) -> str:
        """What was in the file of an option, the last time there was one."""
        return (self.recorded / option).read_text()

    def context(self) -> dict[str, str]:
        """The files that docker was given to build of, with their modes."""
        root = self.recorded / "context"
        found = (path for path in root.rglob("*") if path.is_file())
        return {str(path.relative_to(root)): oct(path.stat().st_mode & 0o777) for path in found}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """None is installed yet; folders of nodes and the cache are the test's own."""
    made = Programs(path=tmp_path / "bin", recorded=tmp_path / "recorded")
    for directory in (made.path, made.recorded, tmp_path / "temporary", tmp_path / "cache"):
        directory.mkdir()
    (made.recorded / "answers").write_text("")
    monkeypatch.setenv("PATH", str(made.path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(kubectl, "kubectl_program", lambda: made.path / "kubectl")
    return made
