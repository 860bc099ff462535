"""Paths of objects: a name is a name, whatever it looks like."""

from __future__ import annotations

from sagebridge.kube.paths import CONFIG_MAPS


def test_a_name_leads_nowhere_else() -> None:
    path = CONFIG_MAPS.item(namespace="team-a", name="../../team-b/secrets/x?watch")
    assert path == "/api/v1/namespaces/team-a/configmaps/..%2F..%2Fteam-b%2Fsecrets%2Fx%3Fwatch"


def test_a_plain_name_stays() -> None:
    assert CONFIG_MAPS.item(namespace="team-a", name="code.v1") == "/api/v1/namespaces/team-a/configmaps/code.v1"
