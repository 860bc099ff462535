"""One namespace's endpoints, and what stands behind them at AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from support.endpoints import KIND, PLURAL
from support.jobs import Job, Jobs, ready

from .world import World


@dataclass(frozen=True, kw_only=True)
class Serving:
    """One namespace's endpoints, and what stands behind them at AWS."""

    world: World
    objects: Jobs

    @classmethod
    def of(cls, world: World) -> Serving:
        """A world's; its endpoints are quick."""
        found = cls.really(world)
        found.script(seconds=0.2, scale_seconds=0.2, delete_seconds=0.2)
        return found

    @classmethod
    def really(cls, world: World) -> Serving:
        """A world's, whose endpoints take the time that their processes take."""
        return cls(world=world, objects=Jobs(world.cluster.client, world.namespace, kind=KIND, plural=PLURAL))

    def client(self, service: str = "sagemaker") -> Any:
        """An SDK client of the local SageMaker, or of a service beside it."""
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.world.simulator.url,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def script(self, **script: Any) -> None:
        """Say how this namespace's endpoints go from now on."""
        self.world.aws.endpoint_outcome(f"{self.world.namespace}*", **script)

    def described(self, name: str = "scores") -> dict[str, Any]:
        """What Describe tells."""
        return self.client().describe_endpoint(EndpointName=self.objects.get(name)["status"]["endpointName"])

    def models(self) -> set[str]:
        """The models of this namespace."""
        found = self.client().list_models(NameContains=self.world.namespace, MaxResults=100)["Models"]
        return {one["ModelName"] for one in found}

    def configs(self) -> set[str]:
        """The endpoint configs of this namespace."""
        found = self.client().list_endpoint_configs(NameContains=self.world.namespace, MaxResults=100)
        return {one["EndpointConfigName"] for one in found["EndpointConfigs"]}

    def endpoints(self) -> set[str]:
        """The endpoints of this namespace."""
        found = self.client().list_endpoints(NameContains=self.world.namespace, MaxResults=100)["Endpoints"]
        return {one["EndpointName"] for one in found}

    def targets(self) -> dict[str, tuple[int, int]]:
        """Bounds of this namespace's scalable targets, by variant."""
        found = self.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", MaxResults=1000
        )
        ours = [one for one in found["ScalableTargets"] if self.world.namespace in one["ResourceId"]]
        return {one["ResourceId"].rpartition("/")[2]: (one["MinCapacity"], one["MaxCapacity"]) for one in ours}

    def at_rest(self, name: str = "scores") -> Job:
        """Wait until the newest spec is served."""
        return self.objects.wait(name, _is_served, what="InService at its newest generation")


def _is_served(job: Job) -> bool:
    condition = ready(job)
    generation = job["metadata"]["generation"]
    return condition.get("status") == "True" and condition.get("observedGeneration") == generation
