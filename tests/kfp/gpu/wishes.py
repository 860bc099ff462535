"""Steps for each kind of nodes: the arguments of on_gpu, and the same as a job of the operator's."""

from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.placement import PlacementRequest

GPU = "nvidia.com/gpu"
HYPERPOD = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "sagemaker.amazonaws.com/cluster-name", "operator": "Exists"}]}
            ]
        }
    }
}
PREFERRED_ZONE = {
    "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {
                "weight": 7,
                "preference": {
                    "matchExpressions": [
                        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-west-1a"]}
                    ]
                },
            }
        ]
    }
}
RESEARCH = {"key": "team", "operator": "Equal", "value": "a", "effect": "NoExecute", "tolerationSeconds": 60}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a step asks for, and what a job asks for with the same words of a manifest."""

    step: dict[str, Any]
    types: tuple[str, ...]
    cluster: dict[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> PlacementRequest:
        """The same as a job of one instance."""
        return PlacementRequest(
            instance_types=self.types,
            instance_count=1,
            cluster=self.cluster,
            spot=False,
            namespace="team-a",
            labels={"sagebridge.io/job": "digits-0"},
        )


def of_type(name: str) -> Wish:
    """A whole node of one type."""
    return Wish(step={"instance_type": name}, types=(name,))


WISHES: dict[str, Wish] = {
    "family-p2": of_type("ml.p2.16xlarge"),
    "family-p3": of_type("ml.p3.8xlarge"),
    "family-p3dn": of_type("ml.p3dn.24xlarge"),
    "family-p4d": of_type("ml.p4d.24xlarge"),
    "family-p4de": of_type("ml.p4de.24xlarge"),
    "family-p5": of_type("ml.p5.48xlarge"),
    "family-p5-small": of_type("ml.p5.4xlarge"),
    "family-p5e": of_type("ml.p5e.48xlarge"),
    "family-p5en": of_type("ml.p5en.48xlarge"),
    "family-p6-b200": of_type("ml.p6-b200.48xlarge"),
    "family-g4dn": of_type("ml.g4dn.12xlarge"),
    "family-g5": of_type("ml.g5.48xlarge"),
    "family-g6": of_type("g6.12xlarge"),
    "family-g6e": of_type("ml.g6e.48xlarge"),
    "family-trn1": of_type("ml.trn1.32xlarge"),
    "family-trn1n": of_type("ml.trn1n.32xlarge"),
    "family-trn2": of_type("ml.trn2.48xlarge"),
    "family-inf2": of_type("ml.inf2.24xlarge"),
    "processors-only": Wish(
        step={"instance_type": "ml.m5.xlarge", "gpu": 0}, types=("ml.m5.xlarge",), cluster={"gpu": {"count": 0}}
    ),
    "efa-left-out": Wish(
        step={"instance_type": "ml.p5.48xlarge", "resources": {"limits": {"vpc.amazonaws.com/efa": 0}}},
        types=("ml.p5.48xlarge",),
        cluster={"resources": {"limits": {"vpc.amazonaws.com/efa": 0}}},
    ),
    "mig": Wish(
        step={"instance_type": "ml.p4d.24xlarge", "gpu": "nvidia.com/mig-1g.5gb"},
        types=("ml.p4d.24xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
    ),
    "mig-several": Wish(
        step={"instance_type": "ml.p5.48xlarge", "gpu": {"resourceName": "nvidia.com/mig-3g.40gb", "count": 2}},
        types=("ml.p5.48xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-3g.40gb", "count": 2}},
    ),
    "shared": Wish(
        step={"instance_type": "ml.g5.xlarge", "gpu": {"allowShared": True}},
        types=("ml.g5.xlarge",),
        cluster={"gpu": {"allowShared": True}},
    ),
    "gpu-count": Wish(
        step={"instance_type": "ml.g5.12xlarge", "gpu": 2}, types=("ml.g5.12xlarge",), cluster={"gpu": {"count": 2}}
    ),
    "gpu-product": Wish(
        step={"instance_type": "ml.p5.48xlarge", "gpu": "NVIDIA-H100-80GB-HBM3"},
        types=("ml.p5.48xlarge",),
        cluster={"gpu": {"product": "NVIDIA-H100-80GB-HBM3"}},
    ),
    "gpu-product-elsewhere": Wish(
        step={"instance_type": "ml.g5.12xlarge", "gpu": {"product": "NVIDIA-RTX-A6000", "count": 2}},
        types=("ml.g5.12xlarge",),
        cluster={"gpu": {"product": "NVIDIA-RTX-A6000", "count": 2}},
    ),
    "neuron-part": Wish(
        step={"instance_type": "ml.trn1.32xlarge", "gpu": 4}, types=("ml.trn1.32xlarge",), cluster={"gpu": {"count": 4}}
    ),
    "neuron-cores": Wish(
        step={
            "instance_type": "ml.inf2.xlarge",
            "gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 1},
        },
        types=("ml.inf2.xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 1}},
    ),
    "spot-require": Wish(
        step={"instance_type": "ml.g5.xlarge", "spot": "Require"}, types=("ml.g5.xlarge",), cluster={"spot": "Require"}
    ),
    "spot-prefer": Wish(
        step={"instance_type": "ml.g5.xlarge", "spot": "Prefer"}, types=("ml.g5.xlarge",), cluster={"spot": "Prefer"}
    ),
    "spot-avoid": Wish(
        step={"instance_type": "ml.g5.xlarge", "spot": "Avoid"}, types=("ml.g5.xlarge",), cluster={"spot": "Avoid"}
    ),
    "hyperpod-only": Wish(
        step={"instance_type": "ml.p5.48xlarge", "affinity": HYPERPOD},
        types=("ml.p5.48xlarge",),
        cluster={"affinity": HYPERPOD},
    ),
    "preferred-zone-and-spot": Wish(
        step={"instance_type": "ml.g5.xlarge", "affinity": PREFERRED_ZONE, "spot": "Prefer"},
        types=("ml.g5.xlarge",),
        cluster={"affinity": PREFERRED_ZONE, "spot": "Prefer"},
    ),
    "several-types": Wish(
        step={"instance_type": ["g5.12xlarge", "ml.g6.12xlarge"]}, types=("g5.12xlarge", "ml.g6.12xlarge")
    ),
    "unknown-type": Wish(
        step={
            "instance_type": "dgx-h100",
            "gpu": 8,
            "resources": {"requests": {"cpu": 64, "memory": "512Gi"}, "limits": {"cpu": "96"}},
        },
        types=("dgx-h100",),
        cluster={
            "gpu": {"count": 8},
            "resources": {"requests": {"cpu": 64, "memory": "512Gi"}, "limits": {"cpu": "96"}},
        },
    ),
    "everything": Wish(
        step={
            "instance_type": "ml.g5.xlarge",
            "node_selector": {"team": "a"},
            "tolerations": [RESEARCH],
            "queue_name": "research",
            "queue_priority": "urgent",
            "shared_memory": "4Gi",
            "timeout_seconds": 3600,
            "image_pull_secrets": ["registry"],
        },
        types=("ml.g5.xlarge",),
        cluster={"nodeSelector": {"team": "a"}, "tolerations": [RESEARCH]},
    ),
    "block-of-a-manifest": Wish(
        step={
            "cluster": {
                "instanceTypes": ["g5.12xlarge"],
                "gpu": {"count": 1},
                "queueName": "research",
                "spot": "Require",
                "imagePullSecrets": [{"name": "registry"}],
            }
        },
        types=(),
        cluster={"instanceTypes": ["g5.12xlarge"], "gpu": {"count": 1}, "spot": "Require"},
    ),
}
