"""One attempt at a transform job, as its manifests are made from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sagebridge.core.cluster.job import ClusterWork
from sagebridge.core.cluster.serving.pod import ServingPod
from sagebridge.core.transform.batch import batch_variables

if TYPE_CHECKING:
    from sagebridge.core.cluster.serving.model import ServedModel


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformWork(ClusterWork):
    """An attempt at a transform job.

    Attributes:
        served: what its pods serve.
    """

    served: ServedModel

    @property
    def size(self) -> int:
        """How many pods share the objects."""
        return int(self.request["TransformResources"]["InstanceCount"])

    @property
    def serving(self) -> ServingPod:
        """What serves in each pod. The job's variables go before the model's, as on SageMaker."""
        variables = {**self.served.environment, **batch_variables(self.request), **self.request.get("Environment", {})}
        return ServingPod(
            model=replace(self.served, environment=variables),
            region=self.region,
            placement=self.placement,
            cluster=self.cluster,
            settings=self.settings,
            document=self.name,
        )
