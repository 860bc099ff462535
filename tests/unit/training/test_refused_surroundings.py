"""Environment, tags, and what is no manifest are refused."""

import pytest

from tests.unit.training.jobs import context, own_image
from tests.unit.training.refusals import Case, check

CASES = [
    Case(
        reason="a Secret in the environment",
        spec=own_image(environmentFrom=[{"secretRef": {"name": "a"}}]),
        field="spec.environmentFrom[0].secretRef",
        says="Secrets Manager",
    ),
    Case(
        reason="a value that is too long for the environment",
        spec=own_image(environment={"A": "x" * 513}),
        field="spec.environment.A",
        says="513 characters",
    ),
    Case(
        reason="a name that is none",
        spec=own_image(environment={"1A": "x"}),
        field="spec.environment",
        says="no digit comes first",
    ),
    Case(
        reason="a ConfigMap's key that is no name",
        spec=own_image(),
        context=context(environment={"app.properties": "x"}),
        field="spec.environmentFrom",
        says="app.properties",
    ),
    Case(
        reason="too many variables",
        spec=own_image(environment={f"A{number}": 1 for number in range(60)}),
        context=context(environment={f"B{number}": "1" for number in range(60)}),
        field="spec.environment",
        says="120 variables",
    ),
    Case(
        reason="a list in the environment",
        spec=own_image(environment={"A": [1]}),
        field="spec.environment.A",
        says="a text, a number or a boolean",
    ),
    Case(
        reason="a tag that marks ownership",
        spec=own_image(tags=[{"key": "SageBridge.io/uid", "value": "spoofed"}]),
        field="spec.tags[0].key",
        says="choose another key",
    ),
    Case(
        reason="a tag of AWS's",
        spec=own_image(tags=[{"key": "aws:x", "value": ""}]),
        field="spec.tags[0].key",
        says="AWS's own",
    ),
    Case(
        reason="a tag twice",
        spec=own_image(tags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]),
        field="spec.tags[1].key",
        says="given twice",
    ),
    Case(
        reason="characters that AWS refuses in tags",
        spec=own_image(tags=[{"key": "a", "value": "50%"}]),
        field="spec.tags[0].value",
        says="'%'",
    ),
    Case(
        reason="a tag that is too long",
        spec=own_image(tags=[{"key": "a", "value": "x" * 257}]),
        field="spec.tags[0].value",
        says="256",
    ),
    Case(
        reason="too many tags with the operator's",
        spec=own_image(tags=[{"key": f"t{number}", "value": ""} for number in range(49)]),
        field="spec.tags",
        says="at most 48",
    ),
    Case(
        reason="a job for the cluster",
        spec=own_image(target="Cluster"),
        field="spec.target",
        says="remove cluster",
    ),
    Case(
        reason="a list where an object belongs",
        spec=own_image(resourceConfig=["ml.m5.xlarge"]),
        field="spec.resourceConfig",
        says="must be an object with fields, not a list",
    ),
    Case(
        reason="a text where a list belongs",
        spec=own_image(inputDataConfig="s3://bucket/data"),
        field="spec.inputDataConfig",
        says="must be a list, not a text",
    ),
    Case(
        reason="a text where a number belongs",
        spec=own_image(stoppingCondition={"maxRuntimeInSeconds": "1h"}),
        field="spec.stoppingCondition.maxRuntimeInSeconds",
        says="must be a whole number",
    ),
    Case(
        reason="a text where a boolean belongs",
        spec=own_image(enableManagedSpotTraining="yes"),
        field="spec.enableManagedSpotTraining",
        says="must be true or false",
    ),
    Case(reason="no spec at all", spec=None, field="spec", says="must be an object with fields, not null"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    check(case)
