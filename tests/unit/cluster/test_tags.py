"""The user's tags of a job on the cluster, and those that mark its owner, as its Job keeps them."""

import json

import pytest
from sagebridge.core.cluster.names import ANNOTATION_STOP, ANNOTATION_TAGS, all_tags, changed_tags
from support.cluster_jobs import OWNER

TAGGED = {ANNOTATION_TAGS: '{"cost center": "7", "team": "a"}'}


def test_a_job_has_its_users_tags_and_its_owners() -> None:
    assert all_tags({**OWNER.tags(), **TAGGED}) == {**OWNER.tags(), "cost center": "7", "team": "a"}


def test_what_else_is_noted_at_a_job_is_no_tag() -> None:
    assert all_tags({**TAGGED, ANNOTATION_STOP: "Stopped", "example.com/note": "x"}).keys() == {"cost center", "team"}


@pytest.mark.parametrize(
    ("tags", "remove", "left"),
    [
        ({"new": "1"}, [], {"cost center": "7", "team": "a", "new": "1"}),
        ({"team": "b"}, [], {"cost center": "7", "team": "b"}),
        ({}, ["team"], {"cost center": "7"}),
        ({"team": "b"}, ["team", "cost center"], {"team": "b"}),
    ],
    ids=["one more", "another value", "one less", "taken off and set again"],
)
def test_tags_are_changed_one_by_one(tags: dict[str, str], remove: list[str], left: dict[str, str]) -> None:
    assert json.loads(changed_tags(TAGGED, tags=tags, remove=remove)[ANNOTATION_TAGS]) == left


@pytest.mark.parametrize(
    "text",
    ["no JSON", "[]", "7", "", "[" * 100_000],
    ids=["no JSON", "a list", "a number", "nothing", "too deep to be read"],
)
def test_what_somebody_else_wrote_there_is_no_tag(text: str) -> None:
    assert all_tags({ANNOTATION_TAGS: text}) == {}
