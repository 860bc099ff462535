"""The `sagebridge` command: each part is imported when called, and says what to install where it can't be."""

import subprocess
import sys
from pathlib import Path

import pytest
import sagebridge
from sagebridge.cli import main
from typer.testing import CliRunner

RUNNER = CliRunner()


@pytest.mark.parametrize("arguments", [["version"], ["--version"]])
def test_version(arguments: list[str]) -> None:
    result = RUNNER.invoke(main.app, arguments)

    assert result.exit_code == 0
    assert result.stdout.strip() == sagebridge.__version__


def test_help_names_every_part() -> None:
    result = RUNNER.invoke(main.app, ["--help"])

    assert result.exit_code == 0
    assert [name for name in main.COMMANDS if f" {name} " not in result.stdout] == []


def test_a_part_is_not_imported_before_it_is_called() -> None:
    script = (
        "import sys; from sagebridge.cli.main import app; app(['version'], standalone_mode=False);"
        "print([name for name in ('boto3', 'kopf', 'psutil', 'sagebridge_local') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (
            ["local", "up"],
            "pip install 'sagebridge[local]', or, in a clone of the repository, pip install '.[local]'",
        ),
        (["local", "status", "-o", "json"], "pip install 'sagebridge[local]'"),
    ],
)
def test_a_missing_extra_is_named(tmp_path: Path, arguments: list[str], want: str) -> None:
    """psutil is made impossible to import, as it is where the extra was not installed."""
    script = "import sys; sys.modules['psutil'] = None; from sagebridge.cli.main import app; app(sys.argv[1:])"
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert result.returncode == 1
    assert "needs psutil" in result.stderr
    assert want in result.stderr


@pytest.mark.parametrize("arguments", [["nonsense"], ["local", "nonsense"], ["local", "up", "--nonsense"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    assert RUNNER.invoke(main.app, arguments).exit_code == 2
