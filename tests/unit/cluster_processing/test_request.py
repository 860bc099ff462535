"""From a ProcessingJob's spec with target: Cluster to the complete one."""

from typing import Any

import pytest
from sagebridge.core.cluster.processing.request import resolve
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.resolution import ResolveContext
from sagebridge.core.tenancy import Tenant, check_s3_uris
from support.processing_jobs import spec

SCRIPT = {
    "appSpecification": None,
    "framework": {"name": "sklearn", "version": "1.2-1"},
    "source": {"entryPoint": "split.py", "s3Uri": "s3://code/sourcedir.tar.gz"},
}

TENANT = Tenant(
    regions=None,
    default_region="eu-west-1",
    default_role=None,
    allowed_roles=(),
    default_bucket=None,
    allowed_prefixes=("s3://bucket", "s3://code"),
    policy_name="team-a",
)


def complete(output_path: str = "s3://bucket/out", **changes: Any) -> dict[str, Any]:
    context = ResolveContext(
        job_name="a-job", region="eu-west-1", role_arn="", output_path=output_path, environment={"MODE": "fast"}
    )
    return resolve(spec(target="Cluster", **changes), context)


def test_what_the_cluster_can_not_do_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        complete(experimentConfig={"experimentName": "x"})
    assert caught.value.field == "spec.experimentConfig"


def test_an_output_without_a_place_is_refused_as_on_sagemaker() -> None:
    with pytest.raises(SpecError) as caught:
        complete(output_path="", processingOutputConfig={"outputs": [{"outputName": "rows"}]})
    assert caught.value.field == "spec.processingOutputConfig.outputs[0].s3Output.s3Uri"


def test_there_is_no_role() -> None:
    assert "roleArn" not in complete(roleArn="arn:aws:iam::123456789012:role/mine")


def test_the_image_of_the_cluster_stands_in_for_sagemakers() -> None:
    made = complete(**SCRIPT, cluster={"image": "registry.example/sklearn:1"})

    assert made["appSpecification"]["imageUri"] == "registry.example/sklearn:1"
    assert made["appSpecification"]["containerEntrypoint"][-1] == "split.py"


def test_secrets_stay_references_and_other_variables_are_read() -> None:
    sources = [{"secretRef": {"name": "token"}}, {"configMapRef": {"name": "settings"}}]
    made = complete(environmentFrom=sources)

    assert made["cluster"]["secrets"] == [{"secretRef": {"name": "token"}}]
    assert made["environment"] == {"MODE": "fast"}


def test_status_is_to_show_where_the_outputs_go() -> None:
    made = complete(processingOutputConfig={"outputs": [{"outputName": "rows"}]})

    assert made["cluster"]["outputs"] == made["processingOutputConfig"]
    assert made["cluster"]["outputs"]["outputs"][0]["s3Output"]["s3Uri"] == "s3://bucket/out/a-job/output/rows"


def test_a_job_without_outputs_has_none_to_show() -> None:
    assert complete()["cluster"]["outputs"] == {}


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        (
            "processingInputs[0].s3Input",
            {"processingInputs": [{"inputName": "a", "s3Input": {"s3Uri": "s3://other/a"}}]},
        ),
        (
            "processingOutputConfig.outputs[0].s3Output",
            {"processingOutputConfig": {"outputs": [{"outputName": "a", "s3Output": {"s3Uri": "s3://other/a"}}]}},
        ),
        ("processingInputs[0].s3Input", SCRIPT | {"source": {"entryPoint": "a.py", "s3Uri": "s3://other/a.tar.gz"}}),
    ],
    ids=["an input", "an output", "the code"],
)
def test_a_tenant_reaches_no_other_buckets(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(NotAllowedError) as caught:
        check_s3_uris(TENANT, complete(**changes))
    assert caught.value.field == f"spec.{field}.s3Uri"


def test_a_tenant_reaches_its_own_buckets() -> None:
    check_s3_uris(TENANT, complete(**SCRIPT, processingOutputConfig={"outputs": [{"outputName": "rows"}]}))
