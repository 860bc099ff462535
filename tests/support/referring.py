"""Objects that refer to others of their namespace, and what they refer to, as the store has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.job import Job
from sagebridge.core.names import Owner
from sagebridge.core.tenancy import Tenant
from sagebridge.engine.models import ModelPlace

OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
ARTIFACT = "s3://models/best/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/run"
COMPLETE = [{"type": "Complete", "status": "True"}]
TENANT = Tenant(
    regions=None,
    default_region="us-east-1",
    default_role=ROLE,
    allowed_roles=(ROLE,),
    default_bucket=None,
    allowed_prefixes=None,
)


def body(name: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> dict[str, Any]:
    """An object of the namespace."""
    metadata = {
        "uid": f"uid-{name}",
        "namespace": "n",
        "name": name,
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": metadata, "spec": dict(spec), "status": dict(status)}


def place_of(job: Job, *, tenant: Tenant = TENANT) -> ModelPlace:
    """Whose the model of an object is, and where it serves."""
    owner = Owner(cluster="c", namespace=job.namespace, name=job.name, uid=job.uid)
    return ModelPlace(owner=owner, tenant=tenant, region="us-east-1", role_arn=ROLE)


async def nobody() -> Any:
    """Log in to an API server of which nothing is needed."""
    raise AssertionError("nothing is needed of the API server")
