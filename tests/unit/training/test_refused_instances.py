"""What it runs on is refused, and for how long."""

import pytest

from tests.unit.training.jobs import own_image, resources, serverless
from tests.unit.training.refusals import Case, check

CASES = [
    Case(
        reason="nothing to run on",
        spec={"algorithm": {"name": "xgboost"}},
        field="spec.resourceConfig",
        says="such as ml.m5.xlarge",
    ),
    Case(
        reason="two ways to say what to run on",
        spec=own_image(resourceConfig=resources(instanceGroups=[{"instanceType": "ml.m5.xlarge"}])),
        field="spec.resourceConfig.instanceGroups",
        says="together with instanceType",
    ),
    Case(
        reason="no groups",
        spec=own_image(resourceConfig={"instanceGroups": []}),
        field="spec.resourceConfig.instanceGroups",
        says="is empty",
    ),
    Case(
        reason="a count beside groups",
        spec=own_image(resourceConfig={"instanceGroups": [{"instanceType": "ml.m5.xlarge"}], "instanceCount": 1}),
        field="spec.resourceConfig.instanceCount",
        says="each of the instanceGroups",
    ),
    Case(
        reason="no instances",
        spec=own_image(resourceConfig=resources(instanceCount=0)),
        field="spec.resourceConfig.instanceCount",
        says="at least 1",
    ),
    Case(
        reason="a field of the answer",
        spec=own_image(resourceConfig=resources(selectedInstanceType="ml.m5.xlarge")),
        field="spec.resourceConfig.selectedInstanceType",
        says="remove it",
    ),
    Case(
        reason="a warm pool of spot instances",
        spec=own_image(resourceConfig=resources(keepAlivePeriodInSeconds=60), enableManagedSpotTraining=True),
        field="spec.resourceConfig.keepAlivePeriodInSeconds",
        says="enableManagedSpotTraining",
    ),
    Case(
        reason="a warm pool of a heterogeneous cluster",
        spec=own_image(
            resourceConfig={"instanceGroups": [{"instanceType": "ml.m5.xlarge"}], "keepAlivePeriodInSeconds": 60}
        ),
        field="spec.resourceConfig.keepAlivePeriodInSeconds",
        says="instanceGroups",
    ),
    Case(
        reason="preferences on spot",
        spec=own_image(
            resourceConfig={"instancePreferences": [{"instanceType": "ml.m5.xlarge"}]}, enableManagedSpotTraining=True
        ),
        field="spec.resourceConfig.instancePreferences",
        says="on demand",
    ),
    Case(
        reason="waiting without spot",
        spec=own_image(stoppingCondition={"maxWaitTimeInSeconds": 100}),
        field="spec.stoppingCondition.maxWaitTimeInSeconds",
        says="for spot training only",
    ),
    Case(
        reason="waiting shorter than running",
        spec=own_image(enableManagedSpotTraining=True, stoppingCondition={"maxWaitTimeInSeconds": 100}),
        field="spec.stoppingCondition.maxWaitTimeInSeconds",
        says="86400",
    ),
    Case(
        reason="two kinds of retries",
        spec=own_image(retryStrategy={"maximumRetryAttempts": 1}, runPolicy={"retry": {"limit": 1}}),
        field="spec.retryStrategy",
        says="runPolicy.retry",
    ),
    Case(
        reason="serverless on instances",
        spec=serverless(resourceConfig=resources()),
        field="spec.resourceConfig",
        says="remove it",
    ),
    Case(
        reason="serverless from a modelRef",
        spec=serverless(modelRef={"name": "a"}),
        field="spec.modelRef",
        says="sourceModelPackageArn",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    check(case)
