"""What a user of kubectl sees of the CRDs."""

import json
import re
from typing import Any

import pytest
import yaml
from sagebridge.schema.blocks import list_of
from sagebridge.schema.openapi import request_schema
from sagebridge_local.stack import ControlPlane
from support.operations import BARE_GROUP, OPERATIONS, bare_crd
from support.training_jobs import ALGORITHM, changed


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("trainingjob", ["KIND:       TrainingJob", "CreateTrainingJob in lowerCamelCase"]),
        ("tj.spec", ["hyperParameters", "resourceConfig", "runPolicy"]),
        ("trainingjob.spec.trainingJobName", ["FIELD: trainingJobName <string>", "The name of the training job."]),
        ("trainingjob.spec.resourceConfig.instanceType", ["The ML compute instance type."]),
        (
            "trainingjob.spec.inputDataConfig.dataSource.s3DataSource.s3Uri",
            ["s3Uri <string>", "key name prefix"],
        ),
        ("trainingjob.spec.algorithmSpecification.trainingInputMode", ["ENUM: Pipe File FastFile"]),
        ("trainingjob.spec.runPolicy.deletionPolicy", ["ENUM: Stop Retain Purge", "Stop, the default"]),
        ("trainingjob.status.attempts", ["Every job made for this object, in order."]),
        ("trainingjob.status.modelArtifacts.s3ModelArtifacts", ["<string>"]),
        ("tenantpolicy.spec.executionRoles.allowed", ["The roles that jobs may name."]),
    ],
)
def test_explain(path: str, said: list[str], control_plane: ControlPlane) -> None:
    explained = " ".join(control_plane.kubectl("explain", path).split())
    for words in said:
        assert " ".join(words.split()) in explained


def test_every_field_of_the_spec_is_explained(control_plane: ControlPlane) -> None:
    explained = control_plane.kubectl("explain", "trainingjob.spec")
    assert "<no description>" not in explained


def columns(control_plane: ControlPlane, *arguments: str) -> dict[str, str]:
    """The columns of the one object that `kubectl get` prints."""
    header, line = control_plane.kubectl("get", *arguments).splitlines()
    starts = [name.start() for name in re.finditer(r"\S+", header)]
    ends = [*starts[1:], None]
    places = zip(header.split(), starts, ends, strict=True)
    return {name: line[start:end].strip() for name, start, end in places}


def test_columns_of_a_job_that_has_ended(control_plane: ControlPlane, training_jobs: Any) -> None:
    training_jobs.create(ALGORITHM)
    ready = {"type": "Ready", "status": "True", "reason": "Completed", "message": "done"}
    status = {
        "secondaryStatus": "Completed",
        "instanceCount": 1,
        "duration": "2m5s",
        "trainingJobName": "job-1",
        "conditions": [ready],
    }
    training_jobs.patch({"status": status}, subresource="/status")
    shown = columns(control_plane, "tj", "-n", training_jobs.namespace)
    age = shown.pop("AGE")
    assert age.endswith("s")
    assert shown == {
        "NAME": "example",
        "STATUS": "Completed",
        "SECONDARY": "Completed",
        "INSTANCE-TYPE": "ml.m5.xlarge",
        "COUNT": "1",
        "DURATION": "2m5s",
    }
    wide = columns(control_plane, "tj", "-n", training_jobs.namespace, "-o", "wide")
    assert (wide["READY"], wide["JOB"], wide["MESSAGE"]) == ("True", "job-1", "done")


def test_the_category_lists_what_is_ours(control_plane: ControlPlane, training_jobs: Any) -> None:
    training_jobs.create(ALGORITHM)
    assert "trainingjob.sagebridge.io/example" in control_plane.kubectl(
        "get", "sagebridge", "-n", training_jobs.namespace, "-o", "name"
    )


def test_a_dry_run_says_what_is_wrong(control_plane: ControlPlane, training_jobs: Any) -> None:
    manifest = yaml.safe_dump(training_jobs.manifest(changed(ALGORITHM, {"resourceConfig": None})))
    with pytest.raises(Exception, match="say what to run on") as caught:
        control_plane.kubectl("apply", "--dry-run=server", "-n", training_jobs.namespace, "-f", "-", stdin=manifest)
    assert 'The TrainingJob "example" is invalid' in str(caught.value)


def test_client_side_apply_works_for_our_crds(control_plane: ControlPlane) -> None:
    for name in ("trainingjobs", "tenantpolicies"):
        definition = control_plane.kubectl("get", "crd", f"{name}.sagebridge.io", "-o", "yaml")
        cleaned = yaml.safe_load(definition)
        cleaned["metadata"] = {"name": f"{name}.sagebridge.io"}
        assert len(json.dumps(cleaned["spec"])) < 262_144, "kubectl keeps this in an annotation"


def named(definition: dict[str, Any], kind: str) -> str:
    """The definition under another kind, as JSON."""
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    spec = definition["spec"] | {"names": names}
    return json.dumps(definition | {"metadata": {"name": f"{plural}.{BARE_GROUP}"}, "spec": spec})


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_is_accepted_with_immutable_fields(operation: str, control_plane: ControlPlane) -> None:
    definition = bare_crd(operation, mutable_fields=("tags",))
    assert definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["x-kubernetes-validations"]
    control_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=named(definition, f"Immutable{operation}"))


def test_the_parts_of_an_endpoint_fit_into_one_crd(control_plane: ControlPlane) -> None:
    models = list_of(request_schema("CreateModel"), "The models.", most=10, key="modelName")
    deployment = request_schema("UpdateEndpoint")["properties"]["deploymentConfig"]
    fields = {"models": models, "deploymentConfig": deployment}
    definition = bare_crd("CreateEndpointConfig", mutable_fields=("tags",), fields=fields)
    control_plane.kubectl("create", "--dry-run=server", "-f", "-", stdin=named(definition, "WholeEndpoint"))
