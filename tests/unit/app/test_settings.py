"""What the settings are when nobody sets them."""

import json
import socket

import pytest
from pydantic import ValidationError
from sagebridge.core.placement import PlacementSettings
from sagebridge.on_cluster.settings import placement_settings
from sagebridge.settings import Settings


def test_two_operators_on_one_host_do_not_take_each_other_for_themselves() -> None:
    first, second = Settings().lease_identity, Settings().lease_identity
    assert first != second
    assert first.startswith(socket.gethostname())


def test_what_is_said_of_nodes_reaches_the_placement() -> None:
    settings = Settings(
        cluster_daemons_millicores=250,
        cluster_daemons_mebibytes=1024,
        cluster_tolerations=[{"key": "dedicated", "operator": "Exists"}],
    )
    assert placement_settings(settings) == PlacementSettings(
        daemons_millicores=250,
        daemons_mebibytes=1024,
        tolerations=({"key": "dedicated", "operator": "Exists"},),
    )


def test_the_defaults_are_the_placements_own() -> None:
    assert placement_settings(Settings()) == PlacementSettings()


def test_tolerations_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[{"key": "dedicated", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]'
    monkeypatch.setenv("SAGEBRIDGE_CLUSTER_TOLERATIONS", text)
    assert Settings().cluster_tolerations == json.loads(text)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("a misspelt field", '[{"kee": "dedicated"}]'),
        ("no list", '{"key": "dedicated"}'),
        ("a list as a value", '[{"key": ["dedicated"]}]'),
    ],
)
def test_wrong_tolerations_stop_the_operator_at_start(monkeypatch: pytest.MonkeyPatch, reason: str, text: str) -> None:
    monkeypatch.setenv("SAGEBRIDGE_CLUSTER_TOLERATIONS", text)
    with pytest.raises(ValidationError, match="cluster_tolerations"):
        Settings()
