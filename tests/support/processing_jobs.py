"""ProcessingJob specs to start from."""

from typing import Any

import kubernetes

from support.jobs import IMAGE, Jobs


def spec(**changes: Any) -> dict[str, Any]:
    """A small valid spec; `changes` replace its fields, None removes one."""
    fields = {
        "appSpecification": {"imageUri": IMAGE},
        "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large", "instanceCount": 1}},
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


class ProcessingJobs(Jobs):
    """The ProcessingJobs of one namespace."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        super().__init__(client, namespace, kind="ProcessingJob", plural="processingjobs")

    def make(self, name: str = "split", **changes: Any) -> dict[str, Any]:
        """Make one from `spec`."""
        return self.create(name, spec(**changes))
