"""What a node gives its pods, beside what Karpenter reckons with, and what a job asks of it."""

from fractions import Fraction

import pytest
from sagebridge.core.placement import PlacementSettings, find
from sagebridge.core.placement.headroom import allocatable, for_container

from tests.unit.placement.jobs import placed, requests

# https://karpenter.sh/docs/reference/instance-types/ (AL2023): millicores, MiB
KARPENTER = [
    ("t3.medium", 1930, 3246),
    ("m5.large", 1930, 6903),
    ("m5.xlarge", 3920, 14162),
    ("c5.18xlarge", 71750, 127934),
    ("m8i.96xlarge", 382970, 1437890),
    ("g4dn.xlarge", 3920, 14481),
    ("g5.12xlarge", 47810, 173400),
    ("g6e.48xlarge", 191450, 1449132),
    ("p4d.24xlarge", 95690, 1082712),
    ("p5.48xlarge", 191450, 1938410),
    ("trn1.32xlarge", 127610, 481894),
    ("inf2.48xlarge", 191450, 718987),
]


@pytest.mark.parametrize(("name", "millicores", "mebibytes"), KARPENTER, ids=[row[0] for row in KARPENTER])
def test_a_node_gives_what_karpenter_reckons_with(name: str, millicores: int, mebibytes: int) -> None:
    found = find(name)
    assert found is not None
    node = allocatable(found)
    assert node.millicores == pytest.approx(millicores, abs=10)
    assert node.mebibytes == pytest.approx(mebibytes, abs=1)


def test_a_node_with_efa_has_set_huge_pages_apart() -> None:
    found = find("p4d.24xlarge")
    assert found is not None
    assert allocatable(found).mebibytes - allocatable(found, hugepages=True).mebibytes == 5128 * 2


def test_daemons_take_their_part_of_the_node_and_the_agent_of_the_share() -> None:
    found = find("g5.12xlarge")
    assert found is not None
    settings = PlacementSettings(daemons_millicores=1810, daemons_mebibytes=1400)
    half = for_container(found, settings, share=Fraction(1, 2), hugepages=False)
    assert half.millicores == (47810 - 1810) / 2 - 100
    assert half.mebibytes == (173400 - 1400) / 2 - 256


def test_settings_reach_the_requests() -> None:
    generous = placed("ml.m5.xlarge", settings=PlacementSettings(daemons_millicores=0, daemons_mebibytes=0))
    usual = placed("ml.m5.xlarge")
    assert requests(generous) == {"cpu": "3820m", "memory": "13906Mi"}
    assert requests(usual) == {"cpu": "3320m", "memory": "13138Mi"}


def test_several_types_are_asked_for_what_all_of_them_have() -> None:
    """The smallest has the fewest processors, another the least memory."""
    assert requests(placed("ml.c5.4xlarge", "ml.r5.2xlarge")) == {
        "cpu": requests(placed("ml.r5.2xlarge"))["cpu"],
        "memory": requests(placed("ml.c5.4xlarge"))["memory"],
    }
