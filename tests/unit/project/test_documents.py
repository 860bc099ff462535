"""Links lead somewhere, and every page can be found."""

import re
from pathlib import Path

import botocore.session
import pytest
import yaml

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
LINK = re.compile(r"\[[^]\[]*]\(([^()\s]+)\)")
CODE = re.compile(r"^(```|~~~).*?^\1|^ {4}.*?$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*?)\s*$", re.MULTILINE)


def links(page: Path) -> list[str]:
    """Targets within the repository."""
    found = LINK.findall(CODE.sub("", page.read_text()))
    return [target for target in found if "://" not in target and not target.startswith("mailto:")]


def anchors(page: Path) -> set[str]:
    """Anchors of the headings, as GitHub makes them."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL))
    plain = [re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def resolved(page: Path, target: str) -> tuple[Path, str]:
    path, _, anchor = target.partition("#")
    return (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in links(page):
        path, anchor = resolved(page, target)
        assert path.exists(), target
        assert path.is_relative_to(ROOT), target
        assert not anchor or anchor in anchors(path), target


def test_every_page_is_reached_from_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    reached, ahead = {index}, [index]
    while ahead:
        page = ahead.pop()
        followed = {resolved(page, target)[0] for target in links(page)}
        new = {path for path in followed if path.suffix == ".md" and path.exists()} - reached
        reached |= new
        ahead += new

    missing = set((ROOT / "docs").rglob("*.md")) - reached
    assert sorted(str(path.relative_to(ROOT)) for path in missing) == []


def test_every_decision_is_listed() -> None:
    decisions = ROOT / "docs" / "decisions"
    listed = {resolved(decisions / "README.md", target)[0] for target in links(decisions / "README.md")}

    assert set(decisions.glob("*.md")) - {decisions / "README.md"} <= listed


def test_every_example_is_listed() -> None:
    text = (ROOT / "docs" / "README.md").read_text() + (ROOT / "README.md").read_text()

    assert [path.name for path in (ROOT / "examples").glob("*/") if f"examples/{path.name}" not in text] == []


def test_the_readme_leads_to_the_documentation() -> None:
    assert "docs/README.md" in links(ROOT / "README.md")


def test_the_readmes_manifest_is_the_example() -> None:
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert yaml.safe_load(shown) == yaml.safe_load((ROOT / "examples/digits/trainingjob.yaml").read_text())


@pytest.mark.parametrize(
    "page",
    [*PAGES, *sorted((ROOT / "examples").rglob("*.yaml"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_objects_are_changed_in_one_way(page: Path) -> None:
    """By server-side apply alone: a field that was set in another way makes the next one a conflict."""
    typed = re.findall(r"^(?:#| {4})? *(kubectl (?:apply|patch|edit) (?!configmap).*)", page.read_text(), re.MULTILINE)
    assert [command for command in typed if not command.startswith("kubectl apply --server-side -f ")] == []


def test_an_alarm_is_set_off_with_all_that_cloudwatch_asks_for() -> None:
    model = botocore.session.get_session().get_service_model("cloudwatch").operation_model("SetAlarmState").input_shape
    text = (ROOT / "docs/endpoints.md").read_text()
    [command] = re.findall(r"`aws cloudwatch set-alarm-state (.*?)`", text)
    [call] = re.findall(r"\.set_alarm_state\((.*?)\)`", text)
    options = {"".join(map(str.title, option.split("-"))) for option in re.findall(r"--([\w-]+)", command)}
    assert options == set(re.findall(r"(\w+)=", call)) == set(model.required_members)


def test_every_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (str(page.relative_to(ROOT)), target)
        for page in PAGES
        for line in re.findall(r"`make ([\w -]+)`|^ {4}make ([\w -]+?)(?: {2,}.*)?$", page.read_text(), re.MULTILINE)
        for target in "".join(line).split()
    }

    assert {(page, target) for page, target in named if target not in targets} == set()


def test_changes_are_collected_for_the_next_release() -> None:
    headings = re.findall(r"^## \[(.+?)]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", heading) for heading in headings[1:])
