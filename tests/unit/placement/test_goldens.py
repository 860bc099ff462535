"""Whole placements, one for each kind of node; UPDATE_GOLDENS=1 writes them again."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sagebridge.core.placement import Placement, PlacementRequest, PlacementSettings, place

from tests.unit.placement.jobs import job

HERE = Path(__file__).parent / "goldens"
EFA = "vpc.amazonaws.com/efa"
ZONE = "topology.kubernetes.io/zone"

JOBS: dict[str, PlacementRequest] = {
    "family-p2": job("ml.p2.16xlarge"),
    "family-p3": job("ml.p3.8xlarge", count=2),
    "family-p3dn": job("ml.p3dn.24xlarge", count=2),
    "family-p4d": job("ml.p4d.24xlarge", count=2, topologyKey=ZONE),
    "family-p4de": job("ml.p4de.24xlarge", count=2),
    "family-p5": job("ml.p5.48xlarge", count=4),
    "family-p5-small": job("ml.p5.4xlarge"),
    "family-p5e": job("ml.p5e.48xlarge", count=2),
    "family-p5en": job("ml.p5en.48xlarge", count=2),
    "family-p6-b200": job("ml.p6-b200.48xlarge", count=2),
    "family-g4dn": job("ml.g4dn.12xlarge"),
    "family-g5": job("ml.g5.48xlarge"),
    "family-g6": job("ml.g6.12xlarge"),
    "family-g6e": job("ml.g6e.48xlarge", count=2),
    "family-trn1": job("ml.trn1.32xlarge", count=2),
    "family-trn1n": job("ml.trn1n.32xlarge", count=2),
    "family-trn2": job("ml.trn2.48xlarge", count=2),
    "family-inf2": job("ml.inf2.24xlarge"),
    "family-m5": job("ml.m5.xlarge"),
    "family-c5": job("ml.c5.9xlarge", count=3),
    "family-r5": job("ml.r5.2xlarge"),
    "family-m6i": job("ml.m6i.32xlarge"),
    "family-c6i": job("ml.c6i.4xlarge"),
    "family-m7i": job("ml.m7i.large"),
    "family-t3": job("ml.t3.medium"),
    "mig": job("ml.p4d.24xlarge", gpu={"resourceName": "nvidia.com/mig-1g.5gb"}),
    "mig-several": job("ml.p5.48xlarge", gpu={"resourceName": "nvidia.com/mig-3g.40gb", "count": 2}),
    "shared": job("ml.g5.xlarge", gpu={"allowShared": True}),
    "shared-renamed": job("ml.g5.xlarge", gpu={"allowShared": True, "resourceName": "nvidia.com/gpu.shared"}),
    "gpu-count": job("ml.g5.12xlarge", count=2, gpu={"count": 2}),
    "gpu-product": job("ml.p5.48xlarge", gpu={"product": "NVIDIA-H100-80GB-HBM3"}),
    "gpu-product-elsewhere": job("ml.g5.12xlarge", gpu={"product": "NVIDIA-RTX-A6000", "count": 2}),
    "neuron-part": job("ml.trn1.32xlarge", gpu={"count": 4}),
    "neuron-cores": job("ml.inf2.xlarge", gpu={"resourceName": "aws.amazon.com/neuroncore", "count": 1}),
    "efa-asked-for": job("ml.g5.48xlarge", count=2, resources={"limits": {EFA: 1}}),
    "efa-without": job("ml.p4d.24xlarge", count=2, resources={"limits": {EFA: 0}}),
    "spot-require": job("ml.g5.xlarge", managed_spot=True, spot="Require"),
    "spot-prefer": job("ml.g5.xlarge", managed_spot=True),
    "spot-avoid": job("ml.g5.xlarge", spot="Avoid"),
    "hyperpod-only": job(
        "ml.p5.48xlarge",
        count=2,
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "sagemaker.amazonaws.com/cluster-name", "operator": "Exists"}]}
                    ]
                }
            }
        },
    ),
    "several-types": job("ml.g5.12xlarge", count=2, instanceTypes=["g5.12xlarge", "g6.12xlarge"]),
    "several-cpu-types": job("ml.m5.2xlarge", "ml.c5.4xlarge", "ml.r5.xlarge", count=2),
    "unknown-type": job(
        "ml.g5.12xlarge",
        instanceTypes=["dgx-h100"],
        gpu={"count": 8},
        resources={"requests": {"cpu": 64, "memory": "512Gi"}},
    ),
    "resources": job(
        "ml.m5.4xlarge", resources={"requests": {"cpu": "2500m"}, "limits": {"memory": "8Gi", "example.com/fpga": 1}}
    ),
    "everything-of-the-users": job(
        "ml.g5.xlarge",
        count=2,
        nodeSelector={"team": "a"},
        tolerations=[{"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}],
        priorityClassName="research",
        topologyKey=ZONE,
        affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        settings=PlacementSettings(tolerations=({"key": "dedicated", "operator": "Exists"},)),
    ),
}


def as_json(placement: Placement) -> str:
    shown: dict[str, Any] = dataclasses.asdict(placement) | {"processes_per_node": placement.processes_per_node}
    return json.dumps(shown, indent=1) + "\n"


@pytest.mark.parametrize("name", JOBS)
def test_placements_are_those_of_the_goldens(name: str) -> None:
    placement = place(JOBS[name])
    golden = HERE / f"{name}.json"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(as_json(placement))

    assert as_json(placement) == golden.read_text()


def test_there_is_a_job_for_every_golden() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == set(JOBS)
