"""The launcher runs on whatever Python an image has, and speaks as the operator does."""

import ast
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.agent import launcher
from sagebridge.core.container import failure

SOURCE = Path(launcher.__file__).read_text()


def test_it_is_python_3_7() -> None:
    ast.parse(SOURCE, feature_version=(3, 7))


def test_it_needs_the_standard_library_alone() -> None:
    imports = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_its_annotations_are_never_evaluated() -> None:
    """They are written as newer Pythons have them."""
    head = ast.parse(SOURCE).body[1]
    assert isinstance(head, ast.ImportFrom)
    assert (head.module, [alias.name for alias in head.names]) == ("__future__", ["annotations"])


@given(
    exit_code=st.sampled_from([1, 2, 3, 127, 134, 137, 143]),
    error_lines=st.lists(
        st.sampled_from(["x", "ValueError: no", " at y:", "", "KeyboardInterrupt", "y\n"]), max_size=15
    ),
    command=st.lists(st.text(max_size=5), min_size=1),
)
def test_failures_are_in_the_same_words(exit_code: int, error_lines: list[str], command: list[str]) -> None:
    want = failure.execute_user_script_error(exit_code=exit_code, error_lines=error_lines, command=command)
    assert launcher.execute_user_script_error(exit_code, error_lines, command) == want


@pytest.mark.parametrize("name", ["_LAST_LINES", "_EXCEPTION"])
def test_the_rules_are_the_same(name: str) -> None:
    assert getattr(launcher, name) == getattr(failure, name)
