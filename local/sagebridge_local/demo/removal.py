"""The step that deletes the objects, and sees that nothing is left in SageMaker that costs money."""

from __future__ import annotations

from typing import Final

from sagebridge_local.demo import verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.errors import DemoError

_KINDS: Final = ("smep", "batchtransforms", "hptuningjobs", "trainingjobs")
_UNFINISHED: Final = ("InProgress", "Stopping")


def delete(context: Context) -> str:
    """Delete all objects."""
    with context.screen.waiting("Deleting the endpoint and the jobs ..."):
        context.kubectl("delete", ",".join(_KINDS), "--all", "--timeout=120s")
    left = context.run("kubectl", "get", "sagebridge", "--output=name").split()
    if left:
        raise DemoError(f"{', '.join(left)} should be gone.")
    sagemaker = context.aws("sagemaker")
    found = {
        "endpoints": [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]],
        "endpointConfigs": [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "models": [one["ModelName"] for one in sagemaker.list_models()["Models"]],
        "unfinishedJobs": [one["name"] for one in context.admin.jobs() if one["status"] in _UNFINISHED],
    }
    context.report.facts["leftInSageMaker"] = found
    verdicts.check_nothing_left(found)
    return (
        "All objects are gone; SageMaker has no endpoint, no endpoint config and no model any more; finished jobs, and "
        "what they made in S3, were left, as is the default"
    )
