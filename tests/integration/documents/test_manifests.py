"""Every whole manifest in the documentation is accepted as it stands."""

import re
from pathlib import Path

import pytest
import yaml
from sagebridge_local.stack import ControlPlane

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def manifests() -> list[tuple[str, str]]:
    """Page and text of each fenced block that holds whole objects."""
    blocks = [(str(page.relative_to(ROOT)), block) for page in PAGES for block in FENCED.findall(page.read_text())]
    return [(page, block) for page, block in blocks if re.search("^apiVersion: ", block, re.MULTILINE)]


def test_the_readme_has_one() -> None:
    assert "README.md" in [page for page, _ in manifests()]


@pytest.mark.parametrize(("page", "manifest"), manifests(), ids=[page for page, _ in manifests()])
def test_manifests_in_the_documentation_are_accepted(
    control_plane: ControlPlane, namespace: str, page: str, manifest: str
) -> None:
    objects = [obj for obj in yaml.safe_load_all(manifest) if obj]
    for obj in objects:
        obj["metadata"].pop("namespace", None)

    accepted = control_plane.kubectl(
        *(
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "--filename=-",
            f"--namespace={namespace}",
        ),
        stdin=yaml.safe_dump_all(objects),
    )

    assert len(accepted.splitlines()) == len(objects)
