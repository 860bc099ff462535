"""What runs is refused: levels, code, hyperparameters, launchers."""

from typing import Any

import pytest

from tests.unit.training.jobs import OWN_IMAGE, algorithm, resources, script
from tests.unit.training.refusals import Case, check


def framework(**fields: Any) -> dict[str, Any]:
    instance_type = fields.pop("on", "ml.g5.xlarge")
    return script(framework={"name": "pytorch", **fields}, resourceConfig=resources(instance_type))


def source(**fields: Any) -> dict[str, Any]:
    return script(source={"entryPoint": "train.py", **fields})


CASES = [
    Case(reason="no level", spec={"resourceConfig": resources()}, field="spec", says="exactly one of algorithm"),
    Case(
        reason="two levels",
        spec=algorithm(framework={"name": "pytorch"}),
        field="spec.framework",
        says="together with algorithm",
    ),
    Case(
        reason="a level and an image",
        spec=algorithm(algorithmSpecification={"trainingImage": OWN_IMAGE}),
        field="spec.algorithmSpecification.trainingImage",
        says="keep one",
    ),
    Case(
        reason="unknown algorithm",
        spec=algorithm("xgbost"),
        field="spec.algorithm.name",
        says='did you mean "xgboost"',
    ),
    Case(
        reason="no name",
        spec=algorithm(algorithm={"version": "1"}),
        field="spec.algorithm.name",
        says="such as xgboost",
    ),
    Case(
        reason="a version that YAML read as a number",
        spec=framework(version=2.3),
        field="spec.framework.version",
        says='put it in quotes, "2.3"',
    ),
    Case(
        reason="metrics of a built-in algorithm can't be replaced",
        spec=algorithm(algorithmSpecification={"metricDefinitions": [{"name": "a", "regex": "b"}]}),
        field="spec.algorithmSpecification.metricDefinitions",
        says="remove it",
    ),
    Case(
        reason="script mode without a script",
        spec={"framework": {"name": "pytorch"}, "resourceConfig": resources()},
        field="spec.source",
        says="give source.entryPoint",
    ),
    Case(
        reason="a built-in algorithm has no script",
        spec=algorithm(source={"entryPoint": "a.py", "s3Uri": "s3://bucket/a.tar.gz"}),
        field="spec.source",
        says="does not go with algorithm",
    ),
    Case(reason="no place for the code", spec=source(), field="spec.source", says="exactly one of s3Uri"),
    Case(
        reason="two places for the code",
        spec=source(s3Uri="s3://bucket/a.tar.gz", configMap={"name": "a"}),
        field="spec.source",
        says="exactly one of s3Uri",
    ),
    Case(
        reason="code that is no archive",
        spec=source(s3Uri="s3://bucket/code/"),
        field="spec.source.s3Uri",
        says="sagebridge source push",
    ),
    Case(
        reason="a ConfigMap that was not packed",
        spec=source(configMap={"name": "a"}),
        field="spec.source.configMap",
        says="no bucket",
    ),
    *(
        Case(
            reason=f"entry point {entry_point!r}",
            spec=script(source={"entryPoint": entry_point, "s3Uri": "s3://bucket/a.tar.gz"}),
            field="spec.source.entryPoint",
            says=says,
        )
        for entry_point, says in (
            ("", "is missing"),
            ("../train.py", "inside the source"),
            ("a/../../train.py", "inside the source"),
            ("/etc/passwd", "inside the source"),
            ("train.py; rm -rf /", "special characters"),
            ("$(id).sh", "special characters"),
            ("-c", "special characters"),
            ("a b.py", "spaces"),
            ("train.py\n", "special characters"),
        )
    ),
    Case(
        reason="the operator sets the program",
        spec=script(hyperParameters={"sagemaker_program": "other.py"}),
        field="spec.hyperParameters.sagemaker_program",
        says="remove it",
    ),
    Case(
        reason="a hyperparameter without a value",
        spec=script(hyperParameters={"lr": None}),
        field="spec.hyperParameters.lr",
        says="has no value",
    ),
    Case(
        reason="too many hyperparameters, script mode's own counted",
        spec=script(hyperParameters={f"p{number}": 1 for number in range(96)}),
        field="spec.hyperParameters",
        says="101 entries",
    ),
    Case(
        reason="a hyperparameter that is too long as JSON",
        spec=script(hyperParameters={"a": "x" * 2499}),
        field="spec.hyperParameters.a",
        says="2501 characters",
    ),
    Case(
        reason="a hyperparameter's name that is too long",
        spec=algorithm(hyperParameters={"x" * 257: 1}),
        field="spec.hyperParameters",
        says="256 characters",
    ),
    Case(
        reason="torchrun without PyTorch",
        spec=script(framework={"name": "tensorflow", "distribution": "torchrun"}),
        field="spec.framework.distribution",
        says="torchrun is not in the images of tensorflow",
    ),
    Case(
        reason="torchrun before the toolkit had it",
        spec=framework(version="1.12", distribution="torchrun"),
        field="spec.framework.distribution",
        says="1.13 or newer",
    ),
    Case(
        reason="torchrun in a TensorFlow image of Hugging Face",
        spec=framework(
            name="huggingface",
            version="4.17",
            baseFramework="tensorflow2.6",
            distribution="torchrun",
            on="ml.p3.2xlarge",
        ),
        field="spec.framework.distribution",
        says="use mpi",
    ),
    Case(
        reason="mpi in an image without it",
        spec=script(framework={"name": "sklearn", "distribution": "mpi"}),
        field="spec.framework.distribution",
        says="not in the images of sklearn",
    ),
    Case(
        reason="an unknown launcher",
        spec=framework(distribution="horovod"),
        field="spec.framework.distribution",
        says="use torchrun or mpi",
    ),
    Case(
        reason="mpi on an instance whose GPUs are not known",
        spec=framework(distribution="mpi", on="ml.p9.48xlarge"),
        field="spec.hyperParameters.sagemaker_mpi_num_of_processes_per_host",
        says="is missing",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    check(case)
