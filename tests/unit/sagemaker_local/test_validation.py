"""Requests against botocore's model, in the service's own words."""

import pytest

CASES = [
    pytest.param(
        {"TrainingJobName": "under_score"},
        "1 validation error detected: Value 'under_score' at 'trainingJobName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        id="patterns-match-whole-strings",
    ),
    pytest.param(
        {"TrainingJobName": "-begins-with-a-hyphen"},
        "Value '-begins-with-a-hyphen' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular",
        id="names-begin-with-a-letter-or-digit",
    ),
    pytest.param(
        {"TrainingJobName": "x" * 64},
        "2 validation errors detected: ",
        id="every-problem-is-listed",
    ),
    pytest.param(
        {"TrainingJobName": "x" * 64},
        "at 'trainingJobName' failed to satisfy constraint: Member must have length less than or equal to 63",
        id="names-are-at-most-63-long",
    ),
    pytest.param(
        {"OutputDataConfig": {}},
        "Value null at 'outputDataConfig.s3OutputPath' failed to satisfy constraint: Member must not be null",
        id="required-members-of-nested-structures",
    ),
    pytest.param(
        {"RoleArn": None},
        "Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
        id="required-members",
    ),
    pytest.param(
        {"ResourceConfig": {"InstanceType": "ml.t2.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}},
        "Value 'ml.t2.medium' at 'resourceConfig.instanceType' failed to satisfy constraint: "
        "Member must satisfy enum value set: [ml.",
        id="enumerations",
    ),
    pytest.param(
        {"StoppingCondition": {"MaxRuntimeInSeconds": 0}},
        "Value '0' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: "
        "Member must have value greater than or equal to 1",
        id="minima-of-numbers",
    ),
    pytest.param(
        {"RetryStrategy": {"MaximumRetryAttempts": 31}},
        "Value '31' at 'retryStrategy.maximumRetryAttempts' failed to satisfy constraint: "
        "Member must have value less than or equal to 30",
        id="maxima-of-numbers",
    ),
    pytest.param(
        {"HyperParameters": {"labels": "x" * 2501}},
        "' at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint: [Member must have "
        "length less than or equal to 2500, Member must have length greater than or equal to 0, "
        "Member must satisfy regular expression pattern: .*]",
        id="values-of-maps",
    ),
    pytest.param(
        {"HyperParameters": {"two": "first line\nsecond line"}},
        "at 'hyperParameters' failed to satisfy constraint: Map value must satisfy constraint",
        id="a-dot-matches-no-line-break",
    ),
    pytest.param(
        {"HyperParameters": {f"name-{number}": "1" for number in range(101)}},
        "at 'hyperParameters' failed to satisfy constraint: Member must have length less than or equal to 100",
        id="sizes-of-maps",
    ),
    pytest.param(
        {"Environment": {"1NAME": "value"}},
        "Value '{1NAME=value}' at 'environment' failed to satisfy constraint: Map keys must satisfy constraint",
        id="keys-of-maps",
    ),
    pytest.param(
        {"Tags": [{"Key": "good", "Value": ""}, {"Key": "", "Value": "x"}]},
        "Value '' at 'tags.2.member.key' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
        id="members-of-lists-count-from-one",
    ),
    pytest.param(
        {"Tags": [{"Key": f"key-{number}", "Value": ""} for number in range(51)]},
        "at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50",
        id="sizes-of-lists",
    ),
    pytest.param(
        {"Tags": [{"Key": "emoji", "Value": "\N{ROCKET}"}]},
        "at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern",
        id="java-unicode-classes",
    ),
    pytest.param(
        {"Nonsense": 1},
        "1 validation error detected: Unknown parameter 'Nonsense'; known are TrainingJobName, ",
        id="unknown-parameters",
    ),
]


@pytest.mark.parametrize(("changes", "want"), CASES)
async def test_a_request_outside_the_model_is_refused_in_the_services_words(sagemaker, request_of, changes, want):
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job", **changes))
    assert (error.code, error.status) == ("ValidationException", 400)
    assert want in error.message


MISTYPED = [
    pytest.param(
        {"StoppingCondition": {"MaxRuntimeInSeconds": "1"}},
        "STRING_VALUE can not be converted to an Integer",
        id="string-for-integer",
    ),
    pytest.param(
        {"HyperParameters": {"epochs": 3}}, "NUMBER_VALUE can not be converted to a String", id="number-for-string"
    ),
    pytest.param(
        {"EnableNetworkIsolation": "true"}, "STRING_VALUE can not be converted to a Boolean", id="string-for-boolean"
    ),
    pytest.param(
        {"StoppingCondition": {"MaxRuntimeInSeconds": True}},
        "BOOLEAN_VALUE can not be converted to an Integer",
        id="boolean-for-integer",
    ),
    pytest.param({"Tags": {"a": "b"}}, "START_OBJECT can not be converted to a List", id="object-for-list"),
    pytest.param({"HyperParameters": []}, "START_ARRAY can not be converted to a Map", id="list-for-map"),
]


@pytest.mark.parametrize(("changes", "want"), MISTYPED)
async def test_a_wrong_json_type_is_a_serialization_error(sagemaker, request_of, changes, want):
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job", **changes))
    assert (error.code, error.status, error.message) == ("SerializationException", 400, want)


async def test_letters_of_any_script_are_allowed_in_tags(sagemaker):
    arn = await sagemaker.create("job", Tags=[{"Key": "équipe", "Value": "研究 Ω-1_a.b:c/d=e+f@g"}])
    assert (await sagemaker("ListTags", ResourceArn=arn))["Tags"][0]["Value"] == "研究 Ω-1_a.b:c/d=e+f@g"


async def test_a_null_member_counts_as_absent(sagemaker, request_of):
    await sagemaker("CreateTrainingJob", **request_of("job"), HyperParameters=None)
    assert "HyperParameters" not in await sagemaker.describe("job")


async def test_an_unknown_operation_says_so(sagemaker):
    error = await sagemaker.refused("CreateNonsense")
    assert (error.code, error.message) == (
        "UnknownOperationException",
        "CreateNonsense is not an operation of SageMaker",
    )


async def test_an_operation_that_is_not_there_yet_says_so(sagemaker):
    error = await sagemaker.refused("CreateNotebookInstance")
    assert error.code == "UnknownOperationException"
    assert error.message == (
        "CreateNotebookInstance is an operation of SageMaker that is not available in the local SageMaker"
    )


async def test_a_request_without_credentials_is_refused(sagemaker):
    answer = await sagemaker.service.answer(operation="ListTrainingJobs", body=b"{}", authorization="")
    assert answer.reply.status == 403
    assert b"MissingAuthenticationTokenException" in answer.reply.body


@pytest.mark.parametrize("body", [b"not json", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(sagemaker, body):
    answer = await sagemaker.service.answer(operation="ListTrainingJobs", body=body, authorization="")
    assert answer.reply.status == 400
    assert b"SerializationException" in answer.reply.body
