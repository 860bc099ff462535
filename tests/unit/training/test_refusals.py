"""What is refused before anything is asked of AWS: the message names the field and says what to do."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.training import ResolveContext, resolve

from tests.unit.training.jobs import (
    OWN_IMAGE,
    algorithm,
    channel,
    context,
    file_system,
    own_image,
    resources,
    script,
    serverless,
)


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    spec: Any
    context: ResolveContext = field(default_factory=context)
    field: str
    says: str


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
    Case(
        reason="nothing to run on",
        spec={"algorithm": {"name": "xgboost"}},
        field="spec.resourceConfig",
        says="such as ml.m5.xlarge",
    ),
    Case(
        reason="two ways to say what to run on",
        spec=own_image(resourceConfig=resources(instanceGroups=[{"instanceType": "ml.m5.xlarge"}])),
        field="spec.resourceConfig.instanceGroups",
        says="together with instanceType",
    ),
    Case(
        reason="no groups",
        spec=own_image(resourceConfig={"instanceGroups": []}),
        field="spec.resourceConfig.instanceGroups",
        says="is empty",
    ),
    Case(
        reason="a count beside groups",
        spec=own_image(resourceConfig={"instanceGroups": [{"instanceType": "ml.m5.xlarge"}], "instanceCount": 1}),
        field="spec.resourceConfig.instanceCount",
        says="each of the instanceGroups",
    ),
    Case(
        reason="no instances",
        spec=own_image(resourceConfig=resources(instanceCount=0)),
        field="spec.resourceConfig.instanceCount",
        says="at least 1",
    ),
    Case(
        reason="a field of the answer",
        spec=own_image(resourceConfig=resources(selectedInstanceType="ml.m5.xlarge")),
        field="spec.resourceConfig.selectedInstanceType",
        says="remove it",
    ),
    Case(
        reason="a warm pool of spot instances",
        spec=own_image(resourceConfig=resources(keepAlivePeriodInSeconds=60), enableManagedSpotTraining=True),
        field="spec.resourceConfig.keepAlivePeriodInSeconds",
        says="enableManagedSpotTraining",
    ),
    Case(
        reason="a warm pool of a heterogeneous cluster",
        spec=own_image(
            resourceConfig={"instanceGroups": [{"instanceType": "ml.m5.xlarge"}], "keepAlivePeriodInSeconds": 60}
        ),
        field="spec.resourceConfig.keepAlivePeriodInSeconds",
        says="instanceGroups",
    ),
    Case(
        reason="preferences on spot",
        spec=own_image(
            resourceConfig={"instancePreferences": [{"instanceType": "ml.m5.xlarge"}]}, enableManagedSpotTraining=True
        ),
        field="spec.resourceConfig.instancePreferences",
        says="on demand",
    ),
    Case(
        reason="waiting without spot",
        spec=own_image(stoppingCondition={"maxWaitTimeInSeconds": 100}),
        field="spec.stoppingCondition.maxWaitTimeInSeconds",
        says="for spot training only",
    ),
    Case(
        reason="waiting shorter than running",
        spec=own_image(enableManagedSpotTraining=True, stoppingCondition={"maxWaitTimeInSeconds": 100}),
        field="spec.stoppingCondition.maxWaitTimeInSeconds",
        says="86400",
    ),
    Case(
        reason="two kinds of retries",
        spec=own_image(retryStrategy={"maximumRetryAttempts": 1}, runPolicy={"retry": {"limit": 1}}),
        field="spec.retryStrategy",
        says="runPolicy.retry",
    ),
    Case(
        reason="serverless on instances",
        spec=serverless(resourceConfig=resources()),
        field="spec.resourceConfig",
        says="remove it",
    ),
    Case(
        reason="serverless from a modelRef",
        spec=serverless(modelRef={"name": "a"}),
        field="spec.modelRef",
        says="sourceModelPackageArn",
    ),
    Case(
        reason="a channel without a name",
        spec=own_image(inputDataConfig=[{"dataSource": {}}]),
        field="spec.inputDataConfig[0].channelName",
        says="is missing",
    ),
    Case(
        reason="the same name twice",
        spec=own_image(inputDataConfig=[channel("a"), channel("b"), channel("a")]),
        field="spec.inputDataConfig[2].channelName",
        says="used twice",
    ),
    Case(
        reason="a channel without data",
        spec=own_image(inputDataConfig=[{"channelName": "a"}]),
        field="spec.inputDataConfig[0].dataSource",
        says="exactly one of",
    ),
    Case(
        reason="no URI",
        spec=own_image(inputDataConfig=[channel(uri="")]),
        field="spec.inputDataConfig[0].dataSource.s3DataSource.s3Uri",
        says="s3://bucket/prefix",
    ),
    Case(
        reason="an augmented manifest in File mode",
        spec=own_image(
            inputDataConfig=[
                {
                    "channelName": "a",
                    "dataSource": {"s3DataSource": {"s3Uri": "s3://b/m", "s3DataType": "AugmentedManifestFile"}},
                }
            ]
        ),
        field="spec.inputDataConfig[0].dataSource.s3DataSource.s3DataType",
        says="inputMode: Pipe",
    ),
    Case(
        reason="a file system without a VPC",
        spec=own_image(inputDataConfig=[file_system()]),
        field="spec.vpcConfig",
        says="lies in a VPC",
    ),
    Case(
        reason="a file system that is streamed",
        spec=own_image(inputDataConfig=[file_system(inputMode="Pipe")], vpcConfig={"subnets": ["a"]}),
        field="spec.inputDataConfig[0].inputMode",
        says="inputMode: File",
    ),
    Case(
        reason="the code's channel is taken",
        spec=script(enableNetworkIsolation=True, inputDataConfig=[channel("code")]),
        field="spec.inputDataConfig",
        says="another name",
    ),
    Case(
        reason="the model's channel is taken",
        spec=own_image(inputDataConfig=[channel("model")]),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.modelRef",
        says="rename or remove one",
    ),
    Case(
        reason="too many channels",
        spec=own_image(inputDataConfig=[channel(f"c{number}") for number in range(20)]),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.inputDataConfig",
        says="21 channels",
    ),
    Case(
        reason="an algorithm that can't go on training",
        spec=algorithm("kmeans", modelRef={"name": "a"}),
        context=context(model_artifact="s3://bucket/model.tar.gz"),
        field="spec.modelRef",
        says="object-detection",
    ),
    Case(
        reason="a Secret in the environment",
        spec=own_image(environmentFrom=[{"secretRef": {"name": "a"}}]),
        field="spec.environmentFrom[0].secretRef",
        says="Secrets Manager",
    ),
    Case(
        reason="a value that is too long for the environment",
        spec=own_image(environment={"A": "x" * 513}),
        field="spec.environment.A",
        says="513 characters",
    ),
    Case(
        reason="a name that is none",
        spec=own_image(environment={"1A": "x"}),
        field="spec.environment",
        says="no digit comes first",
    ),
    Case(
        reason="a ConfigMap's key that is no name",
        spec=own_image(),
        context=context(environment={"app.properties": "x"}),
        field="spec.environmentFrom",
        says="app.properties",
    ),
    Case(
        reason="too many variables",
        spec=own_image(environment={f"A{number}": 1 for number in range(60)}),
        context=context(environment={f"B{number}": "1" for number in range(60)}),
        field="spec.environment",
        says="120 variables",
    ),
    Case(
        reason="a list in the environment",
        spec=own_image(environment={"A": [1]}),
        field="spec.environment.A",
        says="a text, a number or a boolean",
    ),
    Case(
        reason="a tag that marks ownership",
        spec=own_image(tags=[{"key": "SageBridge.io/uid", "value": "spoofed"}]),
        field="spec.tags[0].key",
        says="choose another key",
    ),
    Case(
        reason="a tag of AWS's",
        spec=own_image(tags=[{"key": "aws:x", "value": ""}]),
        field="spec.tags[0].key",
        says="AWS's own",
    ),
    Case(
        reason="a tag twice",
        spec=own_image(tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]),
        field="spec.tags[1].key",
        says="given twice",
    ),
    Case(
        reason="characters that AWS refuses in tags",
        spec=own_image(tags=[{"key": "a", "value": "50%"}]),
        field="spec.tags[0].value",
        says="'%'",
    ),
    Case(
        reason="a tag that is too long",
        spec=own_image(tags=[{"key": "a", "value": "x" * 257}]),
        field="spec.tags[0].value",
        says="256",
    ),
    Case(
        reason="too many tags with the operator's",
        spec=own_image(tags=[{"key": f"t{number}", "value": ""} for number in range(49)]),
        field="spec.tags",
        says="at most 48",
    ),
    Case(
        reason="a job for the cluster",
        spec=own_image(target="Cluster"),
        field="spec.target",
        says="remove cluster",
    ),
    Case(
        reason="a list where an object belongs",
        spec=own_image(resourceConfig=["ml.m5.xlarge"]),
        field="spec.resourceConfig",
        says="must be an object with fields, not a list",
    ),
    Case(
        reason="a text where a list belongs",
        spec=own_image(inputDataConfig="s3://bucket/data"),
        field="spec.inputDataConfig",
        says="must be a list, not a text",
    ),
    Case(
        reason="a text where a number belongs",
        spec=own_image(stoppingCondition={"maxRuntimeInSeconds": "1h"}),
        field="spec.stoppingCondition.maxRuntimeInSeconds",
        says="must be a whole number",
    ),
    Case(
        reason="a text where a boolean belongs",
        spec=own_image(enableManagedSpotTraining="yes"),
        field="spec.enableManagedSpotTraining",
        says="must be true or false",
    ),
    Case(reason="no spec at all", spec=None, field="spec", says="must be an object with fields, not null"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(SpecError) as raised:
        resolve(case.spec, case.context)
    assert raised.value.field == case.field
    assert case.says in raised.value.message
