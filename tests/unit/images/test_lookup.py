from dataclasses import dataclass

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, FrameworkRef, inference_image, resolve_image, training_image


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    ref: AlgorithmRef | FrameworkRef
    region: str = "us-east-1"
    instance_type: str = "ml.m5.xlarge"
    want: str


FOUND = [
    Case(
        reason="the registry's account and the DNS suffix are the partition's",
        ref=AlgorithmRef(name="kmeans"),
        region="cn-north-1",
        want="390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/kmeans:1",
    ),
    Case(
        reason="the isolated partitions are there",
        ref=AlgorithmRef(name="kmeans"),
        region="us-isob-east-1",
        want="765400339828.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/kmeans:1",
    ),
    Case(
        reason="an algorithm is found by the title of its documentation page",
        ref=AlgorithmRef(name="DeepAR"),
        want="522234722520.dkr.ecr.us-east-1.amazonaws.com/forecasting-deepar:1",
    ),
    Case(
        reason="spaces and hyphens in a name don't matter",
        ref=AlgorithmRef(name="Random Cut Forest"),
        want="382416733822.dkr.ecr.us-east-1.amazonaws.com/randomcutforest:1",
    ),
    Case(
        reason="the newest version, by number and not by text",
        ref=FrameworkRef(name="pytorch"),
        want="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.10.0-cpu-py313",
    ),
    Case(
        reason="a short version stays short, so that AWS's patches are taken, and the Python is the newest it has",
        ref=FrameworkRef(name="pytorch", version="1.8"),
        instance_type="ml.g5.xlarge",
        want="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.8-gpu-py36",
    ),
    Case(
        reason="Hugging Face images are named after both versions; the base may be given short",
        ref=FrameworkRef(name="huggingface", version="4.17", base_framework="pytorch1.10"),
        instance_type="ml.p3.2xlarge",
        want="763104351884.dkr.ecr.us-east-1.amazonaws.com/"
        "huggingface-pytorch-training:1.10.2-transformers4.17.0-gpu-py38-cu113-ubuntu20.04",
    ),
    Case(
        reason="scikit-learn's own spelling",
        ref=FrameworkRef(name="scikit-learn", version="1.2-1"),
        want="683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
    ),
]


@pytest.mark.parametrize("case", FOUND, ids=lambda case: case.reason)
def test_found(case: Case) -> None:
    assert training_image(case.ref, region=case.region, instance_type=case.instance_type) == case.want


@dataclass(frozen=True, kw_only=True)
class Refusal:
    reason: str
    ref: AlgorithmRef | FrameworkRef
    region: str = "us-east-1"
    instance_type: str = "ml.m5.xlarge"
    field: str
    says: str


REFUSED = [
    Refusal(
        reason="a misspelt algorithm gets the closest name",
        ref=AlgorithmRef(name="xgbost"),
        field="spec.algorithm.name",
        says='did you mean "xgboost"?',
    ),
    Refusal(
        reason="a framework is no algorithm",
        ref=AlgorithmRef(name="pytorch"),
        field="spec.algorithm.name",
        says="known: blazingtext",
    ),
    Refusal(
        reason="a framework that only serves does not train",
        ref=FrameworkRef(name="djl-lmi"),
        field="spec.framework.name",
        says="no framework with training images",
    ),
    Refusal(
        reason="an unknown version gets the closest one",
        ref=FrameworkRef(name="pytorch", version="2.33"),
        field="spec.framework.version",
        says='did you mean "2.3"?',
    ),
    Refusal(
        reason="an unknown Python gets the ones there are",
        ref=FrameworkRef(name="pytorch", version="2.3", python_version="py39"),
        field="spec.framework.pythonVersion",
        says="py311",
    ),
    Refusal(
        reason="an unknown region gets the closest one",
        ref=AlgorithmRef(name="kmeans"),
        region="eu-centrall-1",
        field="spec.region",
        says='did you mean "eu-central-1"?',
    ),
    Refusal(
        reason="a version that this region lacks says where it is",
        ref=AlgorithmRef(name="lda"),
        region="af-south-1",
        field="spec.algorithm.version",
        says="eu-central-1",
    ),
    Refusal(
        reason="an instance type has three parts",
        ref=AlgorithmRef(name="kmeans"),
        instance_type="m5.xlarge",
        field="spec.resourceConfig.instanceType",
        says="ml.m5.xlarge",
    ),
    Refusal(
        reason="no GPU image of scikit-learn",
        ref=FrameworkRef(name="sklearn", version="1.2-1"),
        instance_type="ml.g5.xlarge",
        field="spec.resourceConfig.instanceType",
        says="cpu instances only",
    ),
    Refusal(
        reason="built-in algorithms don't run on Trainium",
        ref=AlgorithmRef(name="kmeans"),
        instance_type="ml.trn1.2xlarge",
        field="spec.resourceConfig.instanceType",
        says="choose another instance type",
    ),
    Refusal(
        reason="there is no training on Graviton",
        ref=FrameworkRef(name="pytorch", version="2.3"),
        instance_type="ml.c7g.xlarge",
        field="spec.resourceConfig.instanceType",
        says="no training image for ml.c7g.xlarge",
    ),
    Refusal(
        reason="P2 was dropped by PyTorch 1.13",
        ref=FrameworkRef(name="pytorch", version="2.0"),
        instance_type="ml.p2.xlarge",
        field="spec.resourceConfig.instanceType",
        says="ml.p2.xlarge",
    ),
    Refusal(
        reason="which of two base frameworks can't be guessed",
        ref=FrameworkRef(name="huggingface", version="4.17"),
        instance_type="ml.p3.2xlarge",
        field="spec.framework.baseFramework",
        says="choose one of pytorch1.10.2, tensorflow2.6.3",
    ),
    Refusal(
        reason="only Hugging Face is built on another framework",
        ref=FrameworkRef(name="pytorch", version="2.3", base_framework="pytorch2.3"),
        field="spec.framework.baseFramework",
        says="remove it",
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_refused(case: Refusal) -> None:
    with pytest.raises(SpecError) as raised:
        training_image(case.ref, region=case.region, instance_type=case.instance_type)
    assert raised.value.field == case.field
    assert case.says in raised.value.message


def test_newest_is_the_newest_that_the_region_has() -> None:
    newest, older = (
        resolve_image(
            FrameworkRef(name="autogluon"), purpose="training", region=region, instance_type="ml.g5.xlarge"
        ).version
        for region in ("us-east-1", "ap-south-2")
    )
    assert (newest, older) == ("1.5.0", "0.5.2")


def test_fields_can_be_those_of_a_tuning_definition() -> None:
    with pytest.raises(SpecError) as raised:
        training_image(
            AlgorithmRef(name="nothing"),
            region="us-east-1",
            instance_type="ml.m5.xlarge",
            field="spec.trainingJobDefinitions[1].algorithm",
        )
    assert raised.value.field == "spec.trainingJobDefinitions[1].algorithm.name"


def test_serverless_inference_runs_on_a_cpu() -> None:
    ref = FrameworkRef(name="pytorch", version="2.3")
    image = inference_image(ref, region="us-east-1", instance_type=None)
    assert image == inference_image(ref, region="us-east-1", instance_type="ml.m5.xlarge")
    assert ":2.3-cpu-py311" in image
