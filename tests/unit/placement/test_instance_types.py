"""The table of instance types, beside what others say of the same types."""

import botocore.session
import pytest
from sagebridge.core.placement import InstanceType, find, known_types, nearest
from support.sagemaker_core import gpu_counts

# Neither table says how many EFA interfaces it has, and its processors are Arm ones.
NOT_IN_TABLE = {"ml.p6e-gb200.36xlarge"}


def sagemaker_types() -> list[str]:
    model = botocore.session.get_session().get_service_model("sagemaker")
    return list(model.shape_for("TrainingInstanceType").enum)


def known(name: str) -> InstanceType:
    found = find(name)
    assert found is not None
    return found


def test_every_type_that_sagemaker_trains_on_is_known() -> None:
    assert {name for name in sagemaker_types() if find(name) is None} == NOT_IN_TABLE


def test_gpus_are_those_that_sagemaker_core_knows() -> None:
    shared = {name: count for name, count in gpu_counts().items() if find(name)}
    assert len(shared) > 20
    assert {name: known(name).gpus for name in shared} == shared


# name, vCPUs, GiB, accelerators, their model, EFA interfaces
FACTS = [
    ("p2.xlarge", 4, 61, 1, "K80", 0),
    ("p2.8xlarge", 32, 488, 8, "K80", 0),
    ("p2.16xlarge", 64, 732, 16, "K80", 0),
    ("p3.2xlarge", 8, 61, 1, "V100", 0),
    ("p3.8xlarge", 32, 244, 4, "V100", 0),
    ("p3.16xlarge", 64, 488, 8, "V100", 0),
    ("p3dn.24xlarge", 96, 768, 8, "V100-32GB", 1),
    ("p4d.24xlarge", 96, 1152, 8, "A100", 4),
    ("p4de.24xlarge", 96, 1152, 8, "A100-80GB", 4),
    ("p5.4xlarge", 16, 256, 1, "H100", 1),
    ("p5.48xlarge", 192, 2048, 8, "H100", 32),
    ("p5e.48xlarge", 192, 2048, 8, "H200", 32),
    ("p5en.48xlarge", 192, 2048, 8, "H200", 16),
    ("p6-b200.48xlarge", 192, 2048, 8, "B200", 8),
    ("g4dn.8xlarge", 32, 128, 1, "T4", 1),
    ("g4dn.12xlarge", 48, 192, 4, "T4", 1),
    ("g4dn.16xlarge", 64, 256, 1, "T4", 1),
    ("g4dn.metal", 96, 384, 8, "T4", 1),
    ("g5.xlarge", 4, 16, 1, "A10G", 0),
    ("g5.16xlarge", 64, 256, 1, "A10G", 1),
    ("g5.12xlarge", 48, 192, 4, "A10G", 1),
    ("g5.48xlarge", 192, 768, 8, "A10G", 1),
    ("g6.24xlarge", 96, 384, 4, "L4", 1),
    ("g6e.48xlarge", 192, 1536, 8, "L40S", 4),
    ("trn1.2xlarge", 8, 32, 1, "Trainium", 0),
    ("trn1.32xlarge", 128, 512, 16, "Trainium", 8),
    ("trn1n.32xlarge", 128, 512, 16, "Trainium", 16),
    ("trn2.48xlarge", 192, 2048, 16, "Trainium2", 16),
    ("inf2.xlarge", 4, 16, 1, "Inferentia2", 0),
    ("inf2.24xlarge", 96, 384, 6, "Inferentia2", 0),
    ("inf2.48xlarge", 192, 768, 12, "Inferentia2", 0),
    ("m5.large", 2, 8, 0, "", 0),
    ("m5.xlarge", 4, 16, 0, "", 0),
    ("m5.24xlarge", 96, 384, 0, "", 0),
    ("m4.10xlarge", 40, 160, 0, "", 0),
    ("c4.8xlarge", 36, 60, 0, "", 0),
    ("c5.9xlarge", 36, 72, 0, "", 0),
    ("c5n.2xlarge", 8, 21, 0, "", 0),
    ("c5n.18xlarge", 72, 192, 0, "", 1),
    ("r5.12xlarge", 48, 384, 0, "", 0),
    ("m6i.32xlarge", 128, 512, 0, "", 1),
    ("c6i.24xlarge", 96, 192, 0, "", 0),
    ("m7i.48xlarge", 192, 768, 0, "", 1),
    ("r8i.96xlarge", 384, 3072, 0, "", 1),
    ("t3.medium", 2, 4, 0, "", 0),
    ("t3.large", 2, 8, 0, "", 0),
]


@pytest.mark.parametrize(("name", "vcpus", "gib", "count", "model", "efa"), FACTS, ids=[fact[0] for fact in FACTS])
def test_facts(name: str, vcpus: int, gib: float, count: int, model: str, efa: int) -> None:
    found = known(f"ml.{name}")
    assert (found.vcpus, found.memory_gib, found.count, found.accelerator, found.efa) == (vcpus, gib, count, model, efa)


@pytest.mark.parametrize(
    ("name", "cores", "reason"),
    [
        ("trn1.32xlarge", 32, "two a device"),
        ("trn2.48xlarge", 64, "eight a device, of which two by two are one to a process"),
        ("inf2.24xlarge", 12, "two a device"),
        ("p4d.24xlarge", 0, "none"),
    ],
)
def test_neuron_cores(name: str, cores: int, reason: str) -> None:
    assert known(name).neuron_cores == cores, reason


def test_every_accelerated_row_has_a_model_that_is_known() -> None:
    families = ("g", "inf", "p", "trn")
    wrong = [n for n, each in known_types().items() if bool(each.accelerator) != n.startswith(families)]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "expected", "reason"),
    [
        ("ml.g5.12xlarg", "g5.12xlarge", "a letter is missing"),
        ("ml.P4D.24xlarge", "p4d.24xlarge", "capitals"),
        ("p5.24xlarge", "p5.4xlarge", "no such size"),
    ],
)
def test_nearest(name: str, expected: str, reason: str) -> None:
    assert expected in nearest(name), reason


def test_nothing_is_near_to_nonsense() -> None:
    assert nearest("dgx-superpod-node") == ()
