"""What the operator reads with its own credentials for a tenant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.tenancy import Tenant, check_operator_reads

UNLIMITED = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=None,
    allowed_roles=(),
    default_bucket="s3://shared/jobs/",
    allowed_prefixes=None,
    policy_name="team-b",
)
ALONE = replace(UNLIMITED, policy_name=None)
LIMITED = replace(UNLIMITED, allowed_prefixes=("s3://shared/team-b",))
WITHOUT_BUCKET = replace(UNLIMITED, default_bucket=None)
FIELD = "spec.model.primaryContainer.modelDataUrl"


@dataclass(frozen=True)
class Case:
    reason: str
    tenant: Tenant
    uri: str
    allowed: bool = False
    namespace: str = "team-b"
    made_here: str | None = None


CASES = [
    Case("no policy: one tenant", ALONE, "s3://any/model.tar.gz", allowed=True),
    Case("under a prefix", LIMITED, "s3://shared/team-b/model.tar.gz", allowed=True),
    Case("outside the prefixes", LIMITED, "s3://shared/team-a/model.tar.gz"),
    Case("outside the prefixes, though an object made it", LIMITED, "s3://out/m.tar.gz", made_here="s3://out/m.tar.gz"),
    Case("without prefixes, another team's model", UNLIMITED, "s3://shared/jobs/team-a/digits/model.tar.gz"),
    Case("without prefixes, any other bucket", UNLIMITED, "s3://elsewhere/team-b/model.tar.gz"),
    Case("the namespace's own output", UNLIMITED, "s3://shared/jobs/team-b/digits/model.tar.gz", allowed=True),
    Case("the namespace's own code", UNLIMITED, "s3://shared/jobs/sagebridge/team-b/x/code.tar.gz", allowed=True),
    Case("a namespace that only begins so", UNLIMITED, "s3://shared/jobs/team-b-evil/model.tar.gz"),
    Case("up and away", UNLIMITED, "s3://shared/jobs/team-b/../team-a/model.tar.gz"),
    Case("no place on S3", UNLIMITED, "model.tar.gz"),
    Case(
        "made by an object that is referred to",
        UNLIMITED,
        "s3://out/m.tar.gz",
        allowed=True,
        made_here="s3://out/m.tar.gz",
    ),
    Case("no default bucket", WITHOUT_BUCKET, "s3://shared/jobs/team-b/model.tar.gz"),
    Case(
        "all code lies under its name", UNLIMITED, "s3://shared/jobs/sagebridge/team-a/c.tar.gz", namespace="sagebridge"
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_places(case: Case) -> None:
    def check() -> None:
        check_operator_reads(case.tenant, {FIELD: case.uri}, namespace=case.namespace, made_here=case.made_here)

    if case.allowed:
        check()
        return
    with pytest.raises(NotAllowedError) as caught:
        check()
    assert caught.value.field == FIELD
    assert "team-b" in str(caught.value), "who forbids it"
