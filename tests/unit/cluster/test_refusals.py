"""What the cluster can't do is refused with the field's name and what to do."""

import pytest
from sagebridge.core.cluster import refusals
from sagebridge.core.errors import SpecError
from sagebridge.schema.openapi import request_schema
from support.training_jobs import CHANNEL, OWN_IMAGE, Spec, changed


def spec_with(field: str) -> Spec:
    value: object = True if "enable" in field else {"anything": "given"}
    for key in reversed(field.split(".")):
        value = {key: value}
    assert isinstance(value, dict)
    return changed(OWN_IMAGE, value)


@pytest.mark.parametrize("refusal", refusals.REFUSALS, ids=lambda refusal: refusal.field)
def test_each_field_is_refused_by_its_name(refusal: refusals.Refusal) -> None:
    with pytest.raises(SpecError) as caught:
        refusals.check(spec_with(refusal.field))

    assert caught.value.field == f"spec.{refusal.field}"
    assert refusal.why in caught.value.message


@pytest.mark.parametrize("refusal", refusals.REFUSALS, ids=lambda refusal: refusal.field)
def test_each_field_is_one_of_the_request(refusal: refusals.Refusal) -> None:
    schema = request_schema("CreateTrainingJob")
    for key in refusal.field.split("."):
        schema = schema["properties"][key]

    assert schema


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"algorithmSpecification": {"trainingInputMode": "Pipe"}}, "spec.algorithmSpecification.trainingInputMode"),
        ({"inputDataConfig": [CHANNEL, CHANNEL | {"inputMode": "Pipe"}]}, "spec.inputDataConfig[1].inputMode"),
        ({"inputDataConfig": [CHANNEL | {"compressionType": "Gzip"}]}, "spec.inputDataConfig[0].compressionType"),
        (
            {"inputDataConfig": [CHANNEL | {"recordWrapperType": "RecordIO"}]},
            "spec.inputDataConfig[0].recordWrapperType",
        ),
        (
            {
                "inputDataConfig": [
                    {
                        "channelName": "a",
                        "dataSource": {"s3DataSource": {"s3Uri": "s3://b/m", "s3DataType": "AugmentedManifestFile"}},
                    }
                ]
            },
            "spec.inputDataConfig[0].dataSource.s3DataSource.s3DataType",
        ),
        (
            {"inputDataConfig": [{"channelName": "a", "dataSource": {"datasetSource": {"datasetArn": "arn"}}}]},
            "spec.inputDataConfig[0].dataSource.datasetSource",
        ),
    ],
    ids=["pipe", "pipe channel", "gzip", "recordio", "augmented manifest", "dataset"],
)
def test_data_that_can_not_be_brought_is_refused(change: Spec, field: str) -> None:
    with pytest.raises(SpecError) as caught:
        refusals.check(changed(OWN_IMAGE, change))

    assert caught.value.field == field


def test_a_switch_that_is_off_asks_for_nothing() -> None:
    refusals.check(changed(OWN_IMAGE, {"enableNetworkIsolation": False}))
