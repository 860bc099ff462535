"""Only what changes what a namespace may do makes everything be looked at again."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.tenants import Tenants


def policy(name: str, team: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"namespaceSelector": {"matchLabels": {"team": team}}}}


def namespace(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "team-a", "labels": labels}}


@pytest.fixture
def tenants() -> Tenants:
    return Tenants(defaults=OperatorDefaults(region="eu-west-1"))


def test_a_namespace_is_no_news_without_policies(tenants: Tenants) -> None:
    assert not tenants.put_namespace(namespace(team="a"))
    assert not tenants.put_namespace(namespace(team="b"))
    assert tenants.changes == 2, "whoever has read meanwhile has read something older"


def test_labels_that_another_policy_selects_are_news(tenants: Tenants) -> None:
    tenants.put_policy(policy("a", "a"))
    assert tenants.put_namespace(namespace(team="a"))
    assert not tenants.put_namespace(namespace(team="a", stage="test"))
    assert tenants.put_namespace(namespace(team="b"))


def test_a_policy_that_a_watch_tells_again_is_no_news(tenants: Tenants) -> None:
    assert tenants.put_policy(policy("a", "a"))
    assert not tenants.put_policy(policy("a", "a"))
    assert tenants.put_policy(policy("a", "b"))
    assert tenants.remove_policy("a")
    assert not tenants.remove_policy("a")
    assert tenants.changes == 3


def test_so_it_is_when_all_is_read_anew(tenants: Tenants) -> None:
    a, b = policy("a", "a"), policy("b", "b")
    assert tenants.replace(policies=[a], namespaces=[namespace(team="a")])
    assert not tenants.replace(policies=[a, b], namespaces=[namespace(team="a")])
    assert tenants.replace(policies=[a, b], namespaces=[namespace(team="b")])
    assert tenants.replace(policies=[a], namespaces=[namespace(team="b")])
    assert tenants.changes == 4
