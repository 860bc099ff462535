"""What is refused before anything is asked of AWS: the message names the field and says what to do."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.processing import resolve
from sagebridge.core.resolution import ResolveContext

from tests.unit.processing.jobs import athena, context, on, output, outputs, own_image, s3_input, script


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    spec: dict[str, Any]
    context: ResolveContext = field(default_factory=context)
    field: str
    says: str


def inputs(*items: dict[str, Any]) -> dict[str, Any]:
    return own_image(processingInputs=list(items))


def source(**fields: Any) -> dict[str, Any]:
    return script(source={"entryPoint": "split.py", **fields})


IN, OUT = "spec.processingInputs", "spec.processingOutputConfig.outputs"
CONFIG = "spec.processingResources.clusterConfig"
CASES = [
    Case(reason="nothing to run in", spec=on(), field="spec", says="exactly one of framework"),
    Case(reason="two things", spec=script(**own_image()), field="spec", says="exactly one of framework"),
    Case(reason="no source", spec={"framework": {"name": "sklearn"}, **on()}, field="spec.source", says="is missing"),
    Case(reason="no place of code", spec=source(), field="spec.source", says="exactly one of s3Uri"),
    Case(reason="not packed", spec=source(configMap={"name": "c"}), field="spec.source.configMap", says="no bucket"),
    Case(
        reason="an entry point that nothing is known to run",
        spec=source(entryPoint="run.R", s3Uri="s3://bucket/c.tar.gz"),
        field="spec.source.entryPoint",
        says="must end with .py or .sh",
    ),
    Case(
        reason="two ways to start",
        spec=script(appSpecification={"containerEntrypoint": ["sh"]}),
        field="spec.appSpecification.containerEntrypoint",
        says="remove one",
    ),
    Case(
        reason="a distribution",
        spec=script(framework={"name": "pytorch", "distribution": "mpi"}),
        field="spec.framework.distribution",
        says="once per instance",
    ),
    Case(
        reason="an unknown framework",
        spec=script(framework={"name": "sklern"}),
        field="spec.framework.name",
        says='did you mean "sklearn"',
    ),
    Case(
        reason="an instance type without an image",
        spec=script(**on(instanceType="ml.c7g.xlarge")),
        field=f"{CONFIG}.instanceType",
        says="appSpecification.imageUri",
    ),
    Case(reason="nothing to run on", spec=own_image(processingResources={}), field=CONFIG, says="exactly one of"),
    Case(
        reason="two things to run on",
        spec=own_image(**on(instancePreferences=[{"instanceType": "ml.m5.large"}])),
        field=CONFIG,
        says="exactly one of",
    ),
    Case(
        reason="an answer as a question",
        spec=own_image(**on(selectedInstanceCount=1)),
        field=f"{CONFIG}.selectedInstanceCount",
        says="remove it",
    ),
    Case(reason="no data", spec=inputs({"inputName": "a"}), field=f"{IN}[0]", says="exactly one of s3Input"),
    Case(
        reason="two sources",
        spec=inputs(s3_input() | athena() | {"inputName": "a"}),
        field=f"{IN}[0]",
        says="exactly one of s3Input",
    ),
    Case(
        reason="an empty query",
        spec=inputs({"inputName": "a", "datasetDefinition": {}}),
        field=f"{IN}[0].datasetDefinition",
        says="exactly one of athena",
    ),
    Case(
        reason="a place elsewhere",
        spec=inputs(s3_input(localPath="/opt/ml/input/data")),
        field=f"{IN}[0].s3Input.localPath",
        says="must begin with /opt/ml/processing/",
    ),
    Case(
        reason="a place that leads out",
        spec=inputs(s3_input(localPath="/opt/ml/processing/../model")),
        field=f"{IN}[0].s3Input.localPath",
        says='no ".."',
    ),
    Case(
        reason="gzip in files",
        spec=inputs(s3_input(s3CompressionType="Gzip")),
        field=f"{IN}[0].s3Input.s3CompressionType",
        says="Pipe mode only",
    ),
    Case(reason="a name twice", spec=inputs(s3_input(), s3_input()), field=f"{IN}[1].inputName", says="used twice"),
    Case(
        reason="a place twice",
        spec=inputs(s3_input("a", localPath="/opt/ml/processing/x"), s3_input("b", localPath="/opt/ml/processing/x/")),
        field=IN,
        says="used twice",
    ),
    Case(
        reason="the code's name",
        spec=script(processingInputs=[s3_input("code")]),
        field=IN,
        says="give yours another name",
    ),
    Case(
        reason="too many with the code",
        spec=script(processingInputs=[s3_input(f"i{number}") for number in range(10)]),
        field=IN,
        says="has 11 inputs",
    ),
    Case(
        reason="no bucket",
        spec=own_image(**outputs(output())),
        context=context(output_path=""),
        field=f"{OUT}[0].s3Output.s3Uri",
        says="no default bucket",
    ),
    Case(
        reason="an output twice",
        spec=own_image(**outputs(output(), output())),
        field=f"{OUT}[1].outputName",
        says="twice",
    ),
    Case(
        reason="two outputs in one place",
        spec=own_image(**outputs(*(output(name, localPath="/opt/ml/processing/x") for name in "ab"))),
        field=OUT,
        says="used twice",
    ),
    Case(
        reason="a feature group that SageMaker would have to write",
        spec=own_image(**outputs({"outputName": "a", "featureStoreOutput": {"featureGroupName": "g"}})),
        field=f"{OUT}[0].featureStoreOutput",
        says="appManaged: true",
    ),
    Case(
        reason="a long value",
        spec=own_image(environment={"A": "x" * 257}),
        field="spec.environment.A",
        says="SageMaker takes 256",
    ),
    Case(
        reason="too many variables with those of ConfigMaps",
        spec=own_image(environment={f"A{number}": 1 for number in range(60)}),
        context=context(environment={f"B{number}": "1" for number in range(60)}),
        field="spec.environment",
        says="has 120 variables with those of environmentFrom, and SageMaker takes 100",
    ),
    Case(reason="on the cluster", spec=own_image(target="Cluster"), field="spec.target", says="remove cluster"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(SpecError) as caught:
        resolve(case.spec, case.context)
    assert caught.value.field == case.field
    assert case.says in caught.value.message
