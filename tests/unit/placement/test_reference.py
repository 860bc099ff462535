"""The reference page of instance types."""

import runpy
from pathlib import Path

from sagebridge.core.placement import known_types

ROOT = Path(__file__).parents[3]


def test_the_page_is_that_of_the_table() -> None:
    generator = runpy.run_path(str(ROOT / "tools" / "generate_instance_types.py"))

    assert (ROOT / "docs" / "reference" / "instance-types.md").read_text() == generator["page"](), "run make reference"


def test_every_type_is_on_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "instance-types.md").read_text()

    assert [name for name in known_types() if f"| `{name}` |" not in page] == []
