"""Tags live beside the job: ListTags shows them, Describe does not."""

import pytest


@pytest.fixture
async def arn(sagemaker):
    return await sagemaker.create("job", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])


async def tags(sagemaker, arn):
    return {tag["Key"]: tag["Value"] for tag in (await sagemaker("ListTags", ResourceArn=arn))["Tags"]}


async def test_tags_are_added_replaced_and_removed(sagemaker, arn):
    changed = [{"Key": "b", "Value": "3"}, {"Key": "c", "Value": ""}]
    assert await sagemaker("AddTags", ResourceArn=arn, Tags=changed) == {"Tags": changed}
    assert await tags(sagemaker, arn) == {"a": "1", "b": "3", "c": ""}
    assert await sagemaker("DeleteTags", ResourceArn=arn, TagKeys=["a", "missing"]) == {}
    assert await tags(sagemaker, arn) == {"b": "3", "c": ""}


async def test_tags_change_after_the_job_has_ended_and_do_not_count_as_modification(sagemaker, arn):
    sagemaker.advance(100)
    before = await sagemaker.describe("job")
    sagemaker.advance(100)
    await sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "late", "Value": "x"}])
    assert await sagemaker.describe("job") == before


async def test_a_resource_has_at_most_fifty_tags(sagemaker, arn):
    many = [{"Key": f"key-{number}", "Value": ""} for number in range(48)]
    await sagemaker("AddTags", ResourceArn=arn, Tags=many)
    error = await sagemaker.refused("AddTags", ResourceArn=arn, Tags=[{"Key": "one-more", "Value": ""}])
    assert error.code == "ResourceLimitExceeded"
    assert len(await tags(sagemaker, arn)) == 50
    await sagemaker("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "replaced"}])


@pytest.mark.parametrize("key", ["aws:mine", "AWS:mine", "Aws:mine"])
async def test_reserved_keys_are_refused(sagemaker, arn, key):
    error = await sagemaker.refused("AddTags", ResourceArn=arn, Tags=[{"Key": key, "Value": ""}])
    assert error.code == "ValidationException"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("arn:aws:sagemaker:us-east-1:123456789012:training-job/missing", id="missing"),
        pytest.param("arn:aws:sagemaker:eu-west-1:123456789012:training-job/job", id="another-region"),
        pytest.param("arn:aws:sagemaker:us-east-1:111122223333:training-job/job", id="another-account"),
        pytest.param("arn:aws-cn:sagemaker:us-east-1:123456789012:training-job/job", id="another-partition"),
        pytest.param("arn:aws:sagemaker:us-east-1:123456789012:model/job", id="another-kind"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "request_"),
    [("ListTags", {}), ("AddTags", {"Tags": [{"Key": "a", "Value": ""}]}), ("DeleteTags", {"TagKeys": ["a"]})],
)
async def test_other_arns_are_not_found(sagemaker, arn, other, operation, request_):
    error = await sagemaker.refused(operation, ResourceArn=other, **request_)
    assert (error.code, error.status) == ("ValidationException", 400)


async def test_a_page_of_tags_has_fifty(sagemaker, arn):
    error = await sagemaker.refused("ListTags", ResourceArn=arn, MaxResults=49)
    assert "Member must have value greater than or equal to 50" in error.message
    assert len((await sagemaker("ListTags", ResourceArn=arn, MaxResults=50))["Tags"]) == 2
