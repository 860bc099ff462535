"""The request of CreateModel, and the name that stands for it."""

from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.core.serving import ModelContext, TrainedModel, build_model, model_name, model_source, repack_of
from sagebridge.core.training.section import Section
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

OWNER = Owner(cluster="c", namespace="team-a", name="digits", uid="u-1")
ROLE = "arn:aws:iam::123456789012:role/serving"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
TRAINED = TrainedModel(
    what="TrainingJob job",
    field="spec.modelRef",
    artifact="s3://bucket/model.tar.gz",
    region="us-east-1",
    image=IMAGE,
)
CONTAINER = {"image": IMAGE, "modelDataUrl": "s3://bucket/mine/model.tar.gz", "environment": {"A": "1"}}
SOURCE = Section.of({"entryPoint": "inference.py", "configMap": {"name": "code"}}, "spec.source")


def context(**changes: Any) -> ModelContext:
    given = {
        "region": "us-east-1",
        "role_arn": ROLE,
        "instance_type": "ml.m5.xlarge",
        "instance_field": "spec.transformResources.instanceType",
        "owner": OWNER,
    }
    return ModelContext(**(given | changes))


def inline(**fields: Any) -> Section:
    return Section.of(fields, "spec.model")


def test_a_trained_model() -> None:
    request = build_model(None, context(trained=TRAINED, tags=({"key": "team", "value": "a"},)))
    assert request["primaryContainer"] == {"image": IMAGE, "modelDataUrl": "s3://bucket/model.tar.gz"}
    assert request["executionRoleArn"] == ROLE
    assert [tag["key"] for tag in request["tags"]] == [
        "team",
        *(f"sagebridge.io/{key}" for key in ("cluster", "name", "namespace", "uid")),
    ]
    sent = to_request("CreateModel", {**request, "modelName": model_name(OWNER, request)})
    assert not ParamValidator().validate(sent, input_shape("CreateModel")).has_errors()


def test_inference_code_is_served_from_the_archive() -> None:
    repacked = "s3://bucket/sagebridge/team-a/digits/model/x/model.tar.gz"
    request = build_model(None, context(trained=TRAINED, repacked_uri=repacked), source=SOURCE)
    container = request["primaryContainer"]
    assert container["modelDataUrl"] == repacked
    assert container["environment"] == {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": "us-east-1",
    }


def test_a_manifests_own_model_keeps_its_fields_and_its_role() -> None:
    role = "arn:aws:iam::123456789012:role/other"
    model = inline(primaryContainer=CONTAINER, executionRoleArn=role, enableNetworkIsolation=True)
    request = build_model(model, context())
    assert request["primaryContainer"] == CONTAINER
    assert (request["executionRoleArn"], request["enableNetworkIsolation"]) == (role, True)


def test_a_manifests_own_variables_win_over_those_for_its_code() -> None:
    variables = {"SAGEMAKER_PROGRAM": "other.py", "A": "1"}
    model = inline(primaryContainer={**CONTAINER, "environment": variables})
    request = build_model(model, context(repacked_uri="s3://b/x/model.tar.gz"), source=SOURCE)
    environment = request["primaryContainer"]["environment"]
    assert environment["SAGEMAKER_PROGRAM"] == "other.py"
    assert environment["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"


@pytest.mark.parametrize(
    ("reason", "model", "source", "changes", "message"),
    [
        ("no model at all", None, None, {}, "has no model"),
        ("another region", None, None, {"trained": TRAINED, "region": "eu-west-1"}, "trained in us-east-1"),
        ("two ways", inline(primaryContainer=CONTAINER, containers=[CONTAINER]), None, {}, "exactly one"),
        ("code for a pipeline", inline(containers=[CONTAINER, CONTAINER]), SOURCE, {}, "one container's model"),
        (
            "code for a package",
            inline(primaryContainer={"modelPackageName": "p"}),
            SOURCE,
            {},
            r"goes into a model\.tar\.gz",
        ),
    ],
)
def test_what_does_not_fit_says_so(
    reason: str, model: Section | None, source: Section | None, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        build_model(model, context(**changes), source=source)
    assert reason


@pytest.mark.parametrize(
    ("reason", "spec", "want"),
    [
        ("an object's", {"modelRef": {"kind": "HPTuningJob", "name": "digits"}}, "HPTuningJob/digits"),
        ("SageMaker's", {"modelName": "mine"}, "mine"),
        ("one container", {"model": {"primaryContainer": CONTAINER}}, "s3://bucket/mine/model.tar.gz"),
        ("a model that is in its image", {"model": {"primaryContainer": {"image": IMAGE}}}, IMAGE),
        ("a package", {"model": {"primaryContainer": {"modelPackageName": "arn"}}}, "arn"),
        (
            "a pipeline",
            {"model": {"containers": [{"image": IMAGE}, CONTAINER]}},
            f"{IMAGE}, s3://bucket/mine/model.tar.gz",
        ),
        ("nothing", {}, None),
        ("a reference to nothing", {"modelRef": {"kind": ""}}, None),
        ("an empty model", {"model": {"containers": []}}, None),
    ],
)
def test_where_a_model_comes_from(reason: str, spec: dict[str, Any], want: str | None) -> None:
    assert model_source(spec) == want, reason


def test_names_stand_for_content_and_owner() -> None:
    one = build_model(None, context(trained=TRAINED))
    tagged = build_model(None, context(trained=TRAINED, tags=({"key": "team", "value": "b"},)))
    other = build_model(inline(primaryContainer=CONTAINER), context())
    remade = Owner(cluster="c", namespace="team-a", name="digits", uid="u-2")
    assert model_name(OWNER, one) == model_name(OWNER, tagged), "tags may change"
    assert len({model_name(OWNER, one), model_name(OWNER, other), model_name(remade, one)}) == 3
    assert model_name(OWNER, one).startswith("team-a-digits-")


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=253))
def test_names_fit(name: str) -> None:
    owner = Owner(cluster="c", namespace="n" * 63, name=name, uid="u")
    named = model_name(owner, {"primaryContainer": CONTAINER})
    assert len(named) <= 63
    assert named.replace("-", "").isalnum()


def test_a_repacked_archive_is_named_after_what_it_is_made_of() -> None:
    def key(owner: Owner = OWNER, model_uri: str = "s3://b/model.tar.gz", code: str = "d1") -> str:
        return repack_of(SOURCE, owner=owner, model_uri=model_uri, files={}, code_digest=code).key

    other = Owner(cluster="c", namespace="team-a", name="digits", uid="u-2")
    keys = {key(), key(code="d2"), key(model_uri="s3://b/other.tar.gz"), key(other)}
    assert len(keys) == 4
    assert key() == key()
    assert key().startswith("sagebridge/team-a/digits/model/")
    with pytest.raises(SpecError, match=r"no \.tar\.gz"):
        key(model_uri="s3://b/model/")
