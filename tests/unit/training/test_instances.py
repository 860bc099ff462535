import pytest
from sagebridge.core.training.instances import gpus_of, is_accelerated
from support.sagemaker_core import gpu_counts


def test_gpus_are_those_that_sagemaker_core_knows() -> None:
    known = gpu_counts()
    del known["ml.g5n.xlarge"]  # EC2 has no such type
    assert len(known) > 20
    assert {name: gpus_of(name) for name in known} == known


@pytest.mark.parametrize(
    ("instance_type", "gpus"),
    [
        ("ml.m5.24xlarge", 0),
        ("ml.g6e.48xlarge", 8),
        ("ml.g6.16xlarge", 1),
        ("ml.p5.4xlarge", 1),
        ("ml.p5en.48xlarge", 8),
        ("ml.p6-b200.48xlarge", 8),
        ("ml.inf2.xlarge", 0),
        ("ml.m99.large", 0),
        ("ml.g5.metal", None),
        ("ml.trn1.32xlarge", None),
        ("ml.p99.48xlarge", None),
    ],
)
def test_gpus(instance_type: str, gpus: int | None) -> None:
    assert gpus_of(instance_type) == gpus
    assert is_accelerated(instance_type) == (gpus != 0)
