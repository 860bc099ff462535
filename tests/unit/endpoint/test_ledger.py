"""What status records, in words for people."""

from dataclasses import replace

import pytest
from sagebridge.core.endpoint.ledger import Ledger, Revision, Update

from tests.unit.endpoint.specs import overtaken
from tests.unit.endpoint.versions import NEW, OLD, update


@pytest.mark.parametrize(
    ("reason", "types", "shadows", "want"),
    [
        ("one variant", {"a": "ml.m5.large"}, {}, "ml.m5.large"),
        ("all the same", {"a": "ml.m5.large", "b": "ml.m5.large"}, {}, "ml.m5.large"),
        ("different ones", {"a": "ml.m5.large", "b": "ml.c5.large"}, {}, "a=ml.m5.large, b=ml.c5.large"),
        ("serverless", {"a": ""}, {}, None),
        ("a config of somebody else", {}, {}, None),
        ("a shadow on the same", {"a": "ml.m5.large"}, {"s": "ml.m5.large"}, "ml.m5.large"),
        ("a shadow on another", {"a": "ml.m5.large"}, {"s": "ml.c5.large"}, "ml.m5.large, ml.c5.large (shadow)"),
        ("only the shadow has instances", {"a": ""}, {"s": "ml.c5.large"}, "ml.c5.large (shadow)"),
        ("a shadow without", {"a": "ml.m5.large"}, {"s": ""}, "ml.m5.large"),
    ],
)
def test_instance_types_in_one_line(
    reason: str, types: dict[str, str], shadows: dict[str, str], want: str | None
) -> None:
    revision = Revision(number=1, config_name="c", instance_types=types, shadow_instance_types=shadows)
    assert revision.instance_line == Revision.parse(revision.dump()).instance_line == want, reason


@pytest.mark.parametrize(
    ("reason", "first", "is_deployed"),
    [
        ("an edit came before SageMaker was asked", update(OLD), False),
        ("SageMaker was asked", update(OLD, begun=True), True),
        ("SageMaker was asked, and refused", update(OLD, refused=True), True),
    ],
)
def test_what_an_edit_overtakes_was_never_deployed(reason: str, first: Update, is_deployed: bool) -> None:
    known = overtaken(Ledger(), OLD).with_update(first)
    known = overtaken(known, NEW).with_update(replace(update(NEW), recorded_at="2026-01-01T00:00:09Z"))

    assert [bool(one.deployed_at) for one in known.revisions] == [is_deployed, True], reason
