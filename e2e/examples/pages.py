"""A page of the documentation as a person follows it: its commands are typed, and what it shows has to appear."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# What is different each time in what a page shows: ids, times, counts of what happened meanwhile, digits behind the
# point. Spaces are a column's; "…" is whatever follows.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\bi-[0-9a-f]{17}\b|\b0\.\d+|\b\d+s$|"
    r"\b\d+(?= requests| had|})|\b\d+(?= of \d+ bottles)|…| +"
)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page with commands.

    Attributes:
        path: The page.
        environment: The variables of the shell.
        directory: Where the commands are typed.
        changes: What a person does by hand, instead of a text that is there once.
    """

    path: Path
    environment: Mapping[str, str]
    directory: Path
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """Its blocks of commands."""
        return self._blocks("sh")

    def follow(self, *blocks: str) -> str:
        """Type some of its blocks, and return what they print; a command that fails ends it."""
        script = "\n".join(["set -euo pipefail", *blocks])
        for before, after in self.changes.items():
            assert script.count(before) == 1, before
            script = script.replace(before, after)
        answer = subprocess.run(
            ["bash", "-c", script],
            cwd=self.directory,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def assert_shown(self, output: str) -> None:
        """Every line of what it shows is in an output, but for what is different each time."""
        for line in "".join(self._blocks("text")).splitlines():
            assert re.search(f"^{_pattern(line)}$", output, re.MULTILINE), f"{line!r} is not in:\n{output}"

    def _blocks(self, language: str) -> list[str]:
        return re.findall(rf"^```{language}\n(.*?)^```", self.path.read_text(), re.MULTILINE | re.DOTALL)


def _pattern(line: str) -> str:
    parts, end = [], 0
    for match in _VOLATILE.finditer(line):
        parts += [re.escape(line[end : match.start()]), _meaning(match[0])]
        end = match.end()
    return "".join([*parts, re.escape(line[end:])])


def _meaning(volatile: str) -> str:
    if volatile == "…":
        return ".*"
    return " +" if volatile.isspace() else r"[\w.-]+"
