"""From a ProcessingJob's spec with target: Cluster to the complete one."""

from typing import Any

import pytest
from sagebridge.core.cluster.processing.request import resolve
from sagebridge.core.errors import SpecError
from sagebridge.core.resolution import ResolveContext
from support.processing_jobs import spec

SCRIPT = {
    "appSpecification": None,
    "framework": {"name": "sklearn", "version": "1.2-1"},
    "source": {"entryPoint": "split.py", "s3Uri": "s3://code/sourcedir.tar.gz"},
}


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
