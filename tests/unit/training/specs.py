"""Specs made by hypothesis: ones that the CRD accepts, out of botocore's shapes, and broken ones."""

import copy
from typing import Any

from hypothesis import strategies as st
from sagebridge.schema.casing import lowered_members
from sagebridge.schema.model import input_shape

from tests.unit.training.jobs import OWN_IMAGE

# What resolve reads and checks is written out below; the rest of the request is passed on, and made from its shape.
READ = {
    "TrainingJobName",
    "RoleArn",
    "AlgorithmSpecification",
    "ResourceConfig",
    "InputDataConfig",
    "Tags",
    "HyperParameters",
    "Environment",
    "StoppingCondition",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "ServerlessJobConfig",
    "OutputDataConfig",
}

names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
scalars = st.one_of(
    st.text(max_size=20), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)
instance_types = st.sampled_from(
    ["ml.m5.xlarge", "ml.c5.18xlarge", "ml.g5.12xlarge", "ml.p3.8xlarge", "ml.p4d.24xlarge"]
)
uris = names.map(lambda name: f"s3://bucket/{name}")
frameworks = st.sampled_from(["pytorch", "tensorflow", "huggingface", "sklearn", "xgboost", "mxnet", "autogluon"])
algorithms = st.sampled_from(["xgboost", "kmeans", "linear-learner", "image-classification", "DeepAR"])


def optional(required: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=more)


def of_shape(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    if shape.type_name == "structure":
        lowered = {member: lower for lower, member in lowered_members(shape).items()}
        fields = {
            member: of_shape(field, depth + 1)
            for member, field in shape.members.items()
            if member in shape.required_members or depth < 3
        }
        return optional(
            {lowered[member]: field for member, field in fields.items() if member in shape.required_members},
            {lowered[member]: field for member, field in fields.items() if member not in shape.required_members},
        )
    if shape.type_name == "list":
        least = shape.metadata.get("min", 0)
        return st.lists(of_shape(shape.member, depth + 1), min_size=least, max_size=max(least, 2))
    if shape.type_name == "map":
        return st.dictionaries(of_shape(shape.key), of_shape(shape.value), max_size=2)
    return of_simple(shape)


def of_simple(shape: Any) -> st.SearchStrategy[Any]:
    if shape.type_name == "string":
        if shape.enum:
            return st.sampled_from(shape.enum)
        least = shape.metadata.get("min", 0)
        return st.text("abc123", min_size=least, max_size=least + 5)
    if shape.type_name in ("integer", "long"):
        least = shape.metadata.get("min", 0)
        return st.integers(least, least + 100)
    assert shape.type_name == "boolean"
    return st.booleans()


def passed_on() -> st.SearchStrategy[dict[str, Any]]:
    shape = input_shape("CreateTrainingJob")
    lowered = {member: lower for lower, member in lowered_members(shape).items()}
    members = {lowered[name]: of_shape(field, 1) for name, field in shape.members.items() if name not in READ}
    return st.fixed_dictionaries({}, optional=members)


def levels() -> st.SearchStrategy[dict[str, Any]]:
    source = st.fixed_dictionaries(
        {"entryPoint": names.map("{}.py".format)},
        optional={},
    ).flatmap(
        lambda entry: st.sampled_from(
            [{**entry, "s3Uri": "s3://bucket/code/sourcedir.tar.gz"}, {**entry, "configMap": {"name": "code"}}]
        )
    )
    framework = optional({"name": frameworks}, {"distribution": st.sampled_from(["torchrun", "mpi"])})
    image = st.just({"trainingImage": OWN_IMAGE})
    mode = st.sampled_from(["File", "Pipe", "FastFile"])
    return st.one_of(
        st.fixed_dictionaries({"algorithm": st.fixed_dictionaries({"name": algorithms})}),
        st.fixed_dictionaries({"framework": framework, "source": source}),
        optional({"algorithmSpecification": image}, {"source": source}),
        st.fixed_dictionaries(
            {"algorithmSpecification": optional({"algorithmName": names}, {"trainingInputMode": mode})}
        ),
    )


def resources() -> st.SearchStrategy[dict[str, Any]]:
    more = {
        "volumeSizeInGB": st.integers(0, 1000),
        "keepAlivePeriodInSeconds": st.integers(0, 3600),
        "volumeKmsKeyId": names,
    }
    group = st.fixed_dictionaries(
        {"instanceGroupName": names, "instanceType": instance_types, "instanceCount": st.integers(0, 4)}
    )
    return st.one_of(
        optional({"instanceType": instance_types}, {**more, "instanceCount": st.integers(0, 4)}),
        optional({"instanceGroups": st.lists(group, min_size=1, max_size=3)}, more),
        optional(
            {"instancePreferences": st.lists(optional({"instanceType": instance_types}, {}), min_size=1, max_size=3)},
            {"instanceCount": st.integers(1, 4)},
        ),
    )


def channels() -> st.SearchStrategy[list[dict[str, Any]]]:
    s3 = optional(
        {"s3Uri": uris}, {"s3DataType": st.sampled_from(["S3Prefix", "ManifestFile", "AugmentedManifestFile"])}
    )
    file_system = st.just(
        {
            "fileSystemId": "fs-0123456789abcdef0",
            "fileSystemAccessMode": "ro",
            "fileSystemType": "FSxLustre",
            "directoryPath": "/fsx",
        }
    )
    data = st.one_of(
        st.fixed_dictionaries({"s3DataSource": s3}), st.fixed_dictionaries({"fileSystemDataSource": file_system})
    )
    entry = optional(
        {"channelName": names, "dataSource": data},
        {"inputMode": st.sampled_from(["File", "Pipe", "FastFile"]), "contentType": names},
    )
    return st.lists(entry, min_size=1, max_size=4)


def specs() -> st.SearchStrategy[dict[str, Any]]:
    tag = st.fixed_dictionaries({"key": names, "value": st.text("abc 1:/", max_size=10)})
    condition = optional(
        {}, {"maxRuntimeInSeconds": st.integers(1, 10**6), "maxWaitTimeInSeconds": st.integers(1, 10**6)}
    )
    more = st.fixed_dictionaries(
        {"resourceConfig": resources()},
        optional={
            "inputDataConfig": channels(),
            "hyperParameters": st.dictionaries(names, scalars, max_size=5),
            "environment": st.dictionaries(names, scalars, max_size=5),
            "tags": st.lists(tag, max_size=5),
            "stoppingCondition": condition,
            "enableManagedSpotTraining": st.booleans(),
            "enableNetworkIsolation": st.booleans(),
            "outputDataConfig": optional({}, {"kmsKeyId": names, "s3OutputPath": uris}),
        },
    )
    return st.builds(lambda *parts: copy.deepcopy(parts[0] | parts[1] | parts[2]), passed_on(), more, levels())


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def broken_specs(draw: st.DrawFn) -> dict[str, Any]:
    """A good spec, in which up to three values are replaced, removed or added anywhere."""
    spec = draw(specs())
    for _ in range(draw(st.integers(1, 3))):
        _break_one(draw, spec)
    return spec


def _break_one(draw: st.DrawFn, spec: dict[str, Any]) -> None:
    node: Any = spec
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            break
        node = inner
    if isinstance(node, dict) and draw(st.booleans()):
        if draw(st.booleans()):
            del node[key]
        else:
            node[draw(st.text(max_size=10))] = draw(anything)
    else:
        node[key] = draw(anything)
