"""The policy in the docs is one that works, and means what the page says."""

import re
from pathlib import Path

import yaml
from sagebridge.core.tenancy import OperatorDefaults, TenantPolicy, check_region, check_role, check_s3_uris, tenant_for

PAGE = Path(__file__).parents[3] / "docs" / "tenancy.md"


def test_the_example() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    tenant = tenant_for(
        namespace="team-a",
        labels={"kubernetes.io/metadata.name": "team-a"},
        policies=[TenantPolicy.parse(yaml.safe_load(block))],
        defaults=OperatorDefaults(region="us-east-1"),
    )
    assert tenant.default_region == "eu-west-1"
    assert tenant.external_id == "team-a-5b0c7e"
    check_region(tenant, "eu-central-1", field="spec.region")
    check_role(tenant, "arn:aws:iam::444455556666:role/team-a-training-pii", field="spec.roleArn")
    check_s3_uris(tenant, {"source": {"s3Uri": "s3://shared-data/team-a/code.tar.gz"}})
