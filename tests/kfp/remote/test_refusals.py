"""What is refused where the pipeline is compiled, by the name of the argument."""

from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import pipeline_channel
from sagebridge_kfp import TrainingJobOp, run_on_sagemaker
from sagebridge_kfp.remote.images import is_in_ecr
from sagebridge_kfp.specs.errors import InputError

from .components import IMAGE, WHERE, break_down, fit


@dsl.component
def of_docker_hub(number: int) -> int:
    """In kfp's default image."""
    return number


@dsl.container_component
def a_container():
    return dsl.ContainerSpec(image=IMAGE, command=["true"])


VPC = {"algorithmSpecification": {"trainingImageConfig": {"trainingRepositoryAccessMode": "Vpc"}}}

REFUSED = [
    ({"job": "Tuning"}, "job: must be Training or Processing, and is 'Tuning'", "no such job"),
    ({"target": "Moon"}, "target: must be SageMaker or Cluster", "no such target"),
    ({"instance_type": ""}, "instance_type: is missing", "no machine"),
    ({"staging": ""}, "staging: is missing: give an s3:// prefix, or set SAGEBRIDGE_KFP_STAGING", "nowhere to stage"),
    ({"staging": "minio://mlpipeline/v2"}, "staging: must be an s3:// URI", "SageMaker does not reach MinIO"),
    ({"job": "Processing", "spot": True}, "spot: is for job=", "no spot processing"),
    ({"job": "Processing", "spot": True, "target": "Cluster"}, 'cluster={"spot": "Prefer"}', "there another field"),
    ({"max_wait_seconds": 60}, "max_wait_seconds: is for spot", "waits for nothing"),
    ({"subnets": ["subnet-1"]}, "subnets: goes with security_group_ids", "half a VPC"),
    ({"subnets": ["subnet-1"], "target": "Cluster"}, "subnets: is SageMaker's", "the nodes have a network"),
    ({"cluster": {"a": "b"}}, 'cluster: goes with target="Cluster"', "SageMaker is no cluster"),
    ({"image": "python:3.11"}, "image: is 'python:3.11', which SageMaker does not pull", "Docker Hub"),
    ({"image": "public.ecr.aws/x/y:1"}, "image: is 'public.ecr.aws", "the public ECR is no private repository"),
    ({"image": "registry.example.com/a:1"}, "trainingImageConfig", "another registry, outside of a VPC"),
    (
        {"image": "registry.example.com/a:1", "job": "Processing", "spec_overrides": VPC},
        "image: is 'registry",
        "processing has no private registries",
    ),
    ({"environment": {"A": ["b"]}}, "environment.A:", "no text"),
    ({"retry_limit": -1}, "retry_limit: must be 0 or more", "no number of retries"),
    ({"name": "No Name"}, "name: must be at most 63", "no name in Kubernetes"),
    ({"instance_count": 0}, "instance_count: must be 1 or more", "nobody runs it"),
    ({"subnets": "subnet-1", "security_group_ids": ["sg-1"]}, "subnets: must be a list", "a text is one of letters"),
    ({"security_group_ids": "sg-1", "subnets": ["subnet-1"]}, "security_group_ids: must be a list", "nor there"),
    ({"copy_inputs": "False"}, "copy_inputs: must be True or False", "a text is true"),
    ({"max_results_gb": 0}, "max_results_gb: must be 1 or more, and is 0", "no room for any results"),
    ({"max_results_gb": 0.5}, "max_results_gb: must be a whole number, and is 0.5", "a part of a GB"),
    ({"max_results_gb": True}, "max_results_gb: must be a whole number, and is True", "no number"),
    ({"environment": {"RUN": dsl.PIPELINE_JOB_ID_PLACEHOLDER}}, "environment: comes from", "no driver reads it there"),
    (
        {"image": "registry.example.com/a:1", "spec_overrides": {"algorithmSpecification": "Vpc"}},
        "image: is 'registry",
        "overrides of another shape",
    ),
    ({"spec_overrides": {"resourceConfg": {}}}, "spec_overrides.resourceConfg: there is no such field", "misspelt"),
]


@pytest.mark.parametrize(("given", "message", "reason"), REFUSED, ids=[each[2] for each in REFUSED])
def test_what_is_refused(given: dict[str, Any], message: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        run_on_sagemaker(fit, **{**WHERE, **given})

    assert message in str(refused.value)


OVERRIDES = [
    ("Training", "target", "Cluster", "set the argument target", "what is checked of a target is of another one"),
    ("Training", "algorithm", {"name": "xgboost"}, "set the argument image", "the function runs in an image"),
    ("Training", "algorithmSpecification.trainingImage", "python:3.11", "set the argument image", "it is not checked"),
    ("Training", "algorithmSpecification.algorithmName", "a", "set the argument image", "it brings its own image"),
    ("Training", "algorithmSpecification.containerEntrypoint", ["a"], "the step says it", "nobody starts the function"),
    ("Training", "algorithmSpecification.containerArguments", ["a"], "the step says it", "nobody reads them"),
    ("Training", "algorithmSpecification.trainingInputMode", "Pipe", "reads files", "there are no files"),
    ("Training", "inputDataConfig", None, "the step says it", "there is no code"),
    ("Training", "outputDataConfig.compressionType", "NONE", "the archive", "there is no archive"),
    ("Processing", "target", "Cluster", "set the argument target", "what is checked of a target is of another one"),
    ("Processing", "appSpecification.imageUri", "python:3.11", "set the argument image", "it is not checked"),
    ("Processing", "appSpecification.containerEntrypoint", ["a"], "the step says it", "nobody starts the function"),
    ("Processing", "appSpecification.containerArguments", ["a"], "the step says it", "nobody reads them"),
    ("Processing", "processingInputs", [], "the step says it", "there is no code"),
    ("Processing", "processingOutputConfig.outputs", [], "the step says it", "nothing comes back"),
]


@pytest.mark.parametrize(("job", "path", "value", "words", "reason"), OVERRIDES)
def test_what_overrides_leave_to_the_step(job: str, path: str, value: Any, words: str, reason: str) -> None:
    overrides: Any = value
    for name in reversed(path.split(".")):
        overrides = {name: overrides}

    with pytest.raises(InputError) as refused:
        run_on_sagemaker(fit, **WHERE, job=job, spec_overrides=overrides)

    assert refused.value.field == f"spec_overrides.{path}", reason
    assert words in refused.value.message


@pytest.mark.parametrize(
    "overrides",
    [
        {"algorithmSpecification": {"trainingInputMode": "FastFile"}},
        {"outputDataConfig": {"kmsKeyId": "key"}},
        {"hyperParameters": {"a": "b"}},
    ],
    ids=str,
)
def test_what_overrides_may_say(overrides: dict[str, Any]) -> None:
    assert run_on_sagemaker(fit, **WHERE, spec_overrides=overrides).settings.spec_overrides == overrides


FROM_A_RUN = [
    ({"instance_type": "{}"}, "instance_type", "a parameter"),
    ({"image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:{}"}, "image", "a text with one in it"),
    ({"staging": "s3://staging/{}"}, "staging", "a prefix of it"),
    ({"tags": {"team": "{}"}}, "tags", "a value in an object"),
    ({"subnets": ["{}"], "security_group_ids": ["sg-1"]}, "subnets", "an item of a list"),
    ({"spec_overrides": {"environment": {"A": "{}"}}}, "spec_overrides", "deep within"),
]


@pytest.mark.parametrize(("given", "argument", "reason"), FROM_A_RUN, ids=[each[2] for each in FROM_A_RUN])
def test_what_is_known_only_in_a_run_is_refused(given: dict[str, Any], argument: str, reason: str) -> None:
    parameter = pipeline_channel.PipelineParameterChannel(name="where", channel_type="String")

    with pytest.raises(InputError, match=f"{argument}: comes from a parameter"):
        run_on_sagemaker(fit, **{**WHERE, **_filled(given, str(parameter))})


@pytest.mark.parametrize("argument", ["instance_type", "image", "environment", "subnets", "spec_overrides"])
def test_a_parameter_itself_is_refused_for_any_argument(argument: str) -> None:
    parameter = pipeline_channel.PipelineParameterChannel(name="where", channel_type="String")

    with pytest.raises(InputError, match=f"{argument}: comes from a parameter"):
        run_on_sagemaker(fit, **{**WHERE, argument: parameter})


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, text) for key, item in value.items()}
    return [_filled(item, text) for item in value] if isinstance(value, list) else value.replace("{}", text)


def test_a_base_image_elsewhere_is_refused_with_the_argument_to_set() -> None:
    with pytest.raises(
        InputError, match=r"image: is not given, and the component's base_image is 'python:3.*Set image"
    ):
        run_on_sagemaker(of_docker_hub, **WHERE)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"image": IMAGE}, "an image of ECR in its place"),
        ({"image": "registry.example.com/a:1", "spec_overrides": VPC}, "a private registry in the job's VPC"),
        ({"target": "Cluster"}, "the cluster's nodes pull from anywhere"),
    ],
)
def test_what_runs_where_it_can_be_pulled(given: dict[str, Any], reason: str) -> None:
    remote = run_on_sagemaker(of_docker_hub, **WHERE, **given)

    assert remote.settings.image == given.get("image", remote.settings.image), reason


@pytest.mark.parametrize(
    ("image", "is_one"),
    [
        (IMAGE, True),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b@sha256:00", True),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a:1", True),
        ("123456789012.dkr-ecr.us-west-2.on.aws/a:1", True),
        ("12345678901.dkr.ecr.us-east-1.amazonaws.com/a:1", False),
        ("evil.example.com/123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1", False),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/", False),
    ],
)
def test_what_is_an_image_of_ecr(image: str, is_one: bool) -> None:
    assert is_in_ecr(image) is is_one


@pytest.mark.parametrize(
    "component",
    [TrainingJobOp, a_container, run_on_sagemaker(break_down, **WHERE)],
    ids=["one of Sagebridge's", "a container", "one that is wrapped"],
)
def test_only_lightweight_components_are_taken(component: Any) -> None:
    with pytest.raises(InputError, match=r"component: must be one of @dsl\.component, and is "):
        run_on_sagemaker(component, **WHERE)
