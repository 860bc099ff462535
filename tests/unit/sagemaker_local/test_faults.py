"""Faults: what is hit, how often, and what the caller sees."""

import pytest
from sagebridge_local.sagemaker.faults import Fault, Faults

ERRORS = [
    pytest.param({"kind": "throttle"}, "ThrottlingException", 400, "Rate exceeded", id="throttle"),
    pytest.param({"kind": "server-error"}, "InternalFailure", 500, "An internal failure occurred", id="server-error"),
    pytest.param(
        {"kind": "server-error", "status": 503, "code": "ServiceUnavailable", "message": "busy"},
        "ServiceUnavailable",
        503,
        "busy",
        id="server-error-of-choice",
    ),
    pytest.param(
        {"kind": "error", "code": "ResourceLimitExceeded", "message": "no more"},
        "ResourceLimitExceeded",
        400,
        "no more",
        id="error-of-choice",
    ),
]


@pytest.mark.parametrize(("fault", "code", "status", "message"), ERRORS)
async def test_errors_instead_of_handling(sagemaker, request_of, fault, code, status, message):
    sagemaker.admin("POST", "faults", count=1, **fault)
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job"))
    assert (error.code, error.status, error.message) == (code, status, message)
    await sagemaker.create("job")


async def test_access_denied_names_the_action(sagemaker, request_of):
    sagemaker.admin("POST", "faults", kind="access-denied", operation="CreateTrainingJob")
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job"))
    assert error.code == "AccessDeniedException"
    assert "is not authorized to perform: sagemaker:CreateTrainingJob" in error.message


async def test_a_dropped_call_was_not_handled(sagemaker):
    sagemaker.admin("POST", "faults", kind="drop", count=1)
    with pytest.raises(ConnectionError):
        await sagemaker.create("job")
    await sagemaker.create("job")


async def test_a_lost_reply_was_handled(sagemaker, request_of):
    sagemaker.admin("POST", "faults", kind="lost-reply", count=1)
    with pytest.raises(ConnectionError):
        await sagemaker.create("job")
    assert (await sagemaker.refused("CreateTrainingJob", **request_of("job"))).code == "ResourceInUse"


async def test_a_malformed_reply_was_handled(sagemaker):
    sagemaker.admin("POST", "faults", kind="malformed", count=1, body="<html>", status=502)
    answer = await sagemaker.service.answer(
        operation="ListTrainingJobs", body=b"{}", authorization="Credential=local/d/us-east-1/sagemaker/aws4_request"
    )
    assert (answer.reply.status, answer.reply.body) == (502, b"<html>")


async def test_a_slow_call_is_answered_all_the_same(sagemaker):
    sagemaker.admin("POST", "faults", kind="slow", seconds=0.001)
    await sagemaker.create("job")


@pytest.mark.parametrize(
    ("scope", "hits"),
    [
        pytest.param({"operation": "Create*"}, [True, True, False], id="by-operation"),
        pytest.param({"name": "b-*"}, [False, True, True], id="by-name"),
        pytest.param({"operation": "Describe*", "name": "b-*"}, [False, False, True], id="by-both"),
        pytest.param({"after": 1}, [False, True, True], id="after-one"),
        pytest.param({"count": 1}, [True, False, False], id="once"),
        pytest.param({"after": 1, "count": 1}, [False, True, False], id="the-second"),
        pytest.param({"probability": 0.0}, [False, False, False], id="never"),
    ],
)
def test_which_calls_are_hit(scope, hits):
    faults = Faults()
    faults.add(Fault(kind="throttle", **scope))
    calls = [("CreateTrainingJob", "a-1"), ("CreateTrainingJob", "b-1"), ("DescribeTrainingJob", "b-1")]
    assert [bool(faults.strike(operation=operation, name=name)) for operation, name in calls] == hits


def test_a_probability_hits_that_share_of_calls():
    chances = iter([0.1, 0.9, 0.49, 0.5])
    faults = Faults(chance=lambda: next(chances))
    faults.add(Fault(kind="throttle", probability=0.5))
    assert [bool(faults.strike(operation="ListTrainingJobs", name="")) for _ in range(4)] == [True, False, True, False]


async def test_tag_operations_are_named_after_their_resource(sagemaker):
    arn = await sagemaker.create("job")
    sagemaker.admin("POST", "faults", kind="throttle", name="job", operation="ListTags")
    assert (await sagemaker.refused("ListTags", ResourceArn=arn)).code == "ThrottlingException"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "nonsense"}, "a fault's kind is one of"),
        ({"kind": "throttle", "colour": "red"}, "a fault has no colour"),
        ({"kind": "throttle", "probability": 2}, "probability must lie between 0 and 1"),
        ({"kind": "throttle", "count": 0}, "count 1 or more"),
        ({"kind": "error"}, "an error fault needs a code"),
        ({}, "kind"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(sagemaker, fault, why):
    status, reply = sagemaker.admin("POST", "faults", **fault)
    assert status == 400
    assert why in reply["error"]


async def test_faults_are_listed_and_cleared(sagemaker):
    sagemaker.admin("POST", "faults", kind="throttle", after=5)
    await sagemaker.create("job")
    listed = sagemaker.admin("GET", "faults")[1]["faults"]
    assert [(each["kind"], each["matched"], each["hits"]) for each in listed] == [("throttle", 1, 0)]
    sagemaker.admin("DELETE", "faults")
    assert sagemaker.admin("GET", "faults")[1] == {"faults": []}
