"""What can be seen of a namespace, whatever becomes of the others."""

from __future__ import annotations

from typing import cast

import pytest
from sagebridge.kube.reflector import Reflector
from sagebridge.watch.sight import Sight
from support.sights import BLIND, LOST, SEEING, STARTING, Following, sight


@pytest.mark.parametrize(
    ("reason", "found", "is_synced", "trouble"),
    [
        ("it is followed", SEEING, True, ""),
        ("it was not listed yet", STARTING, False, ""),
        ("it can't be listed", BLIND, False, BLIND.trouble),
        ("it could be, and can't any more", LOST, True, LOST.trouble),
        ("for a moment it can't be", Following(is_synced=False, seconds_blind=59.0, trouble="no"), False, ""),
    ],
)
def test_of_one_namespace(reason: str, found: Following, is_synced: bool, trouble: str) -> None:
    seen = sight(a=found, b=SEEING)

    assert (seen.is_synced("a"), seen.trouble("a")) == (is_synced, trouble), reason
    assert (seen.is_synced("b"), seen.trouble("b")) == (True, ""), reason


def test_of_all_namespaces_together() -> None:
    followed = [(None, cast("Reflector", one)) for one in (SEEING, BLIND, LOST)]
    seen = Sight(followed, stale_after=60.0)

    assert (seen.is_synced("a"), seen.trouble("a")) == (False, LOST.trouble), "the one that is blind for longest"
    assert len(seen.reflectors) == 3
