"""BatchTransforms in a test's namespace."""

from __future__ import annotations

from typing import Any

import kubernetes

from support.jobs import Job, Jobs

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
MODEL = {"primaryContainer": {"image": IMAGE, "modelDataUrl": "s3://sagebridge-local/models/model.tar.gz"}}


def transform_spec(**changes: Any) -> dict[str, Any]:
    """A small valid spec, with a model of its own; `changes` replace its fields, None removes one."""
    fields = {
        "model": MODEL,
        "transformInput": {"dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/in/"}}},
        "transformResources": {"instanceType": "ml.m5.large"},
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


class BatchTransforms(Jobs):
    """The BatchTransforms of one namespace."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        super().__init__(client, namespace, kind="BatchTransform", plural="batchtransforms")

    def make(self, name: str = "predict", **changes: Any) -> Job:
        """Make one; `changes` are its spec's."""
        return self.create(name, transform_spec(**changes))
