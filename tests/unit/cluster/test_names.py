"""What others may write into annotations is read as what it is, or as nothing."""

import pytest
from sagebridge.core.cluster.names import ANNOTATION_TAGS, tags_of


@pytest.mark.parametrize(
    ("reason", "text", "tags"),
    [
        ("as we write it", '{"team": "a"}', {"team": "a"}),
        ("nothing", "", {}),
        ("no JSON", "team=a", {}),
        ("a list", '["team"]', {}),
        ("a number as a value", '{"team": 7}', {"team": "7"}),
    ],
)
def test_tags(reason, text, tags):
    assert tags_of({ANNOTATION_TAGS: text}) == tags, reason


def test_no_tags():
    assert tags_of({}) == {}
