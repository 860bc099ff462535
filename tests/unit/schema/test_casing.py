"""The case of keys."""

import pytest
from sagebridge.schema.casing import CasingCollisionError, lower_first, lowered_members
from sagebridge.schema.model import service_model


@pytest.mark.parametrize(
    ("reason", "name", "want"),
    [
        ("one capital", "TrainingJobName", "trainingJobName"),
        ("a digit ends the word", "S3Uri", "s3Uri"),
        ("an acronym in the middle stays", "VolumeSizeInGB", "volumeSizeInGB"),
        ("a leading acronym is lowered whole", "KMSKeyId", "kmsKeyId"),
        ("an acronym in mixed case", "KmsKeyId", "kmsKeyId"),
        ("a name that is an acronym", "EMR", "emr"),
        ("one letter before the next word", "ETag", "eTag"),
        ("a word whose own spelling mixes cases", "FSxLustreConfig", "fsxLustreConfig"),
        ("another one", "MLflowConfig", "mlflowConfig"),
        ("already lowered", "executionRole", "executionRole"),
        ("nothing", "", ""),
    ],
)
def test_lower_first(reason: str, name: str, want: str) -> None:
    assert lower_first(name) == want, reason


def test_no_shape_of_the_service_has_members_that_collide() -> None:
    model = service_model()
    for name in model.shape_names:
        shape = model.shape_for(name)
        if shape.type_name == "structure":
            assert len(lowered_members(shape)) == len(shape.members), name


def test_a_collision_is_an_error() -> None:
    class Shape:
        name = "Example"
        members = {"KmsKey": None, "KMSKey": None}  # noqa: RUF012

    with pytest.raises(CasingCollisionError, match="KmsKey and KMSKey"):
        lowered_members(Shape())  # type: ignore[arg-type]
