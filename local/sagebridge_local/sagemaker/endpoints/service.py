"""The endpoints of a local SageMaker: deployments, re-scalings and deletions, over its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker.endpoints.deployment import CAPACITY_REASON, Deployment
from sagebridge_local.sagemaker.endpoints.endpoint import (
    DELETING,
    IN_SERVICE,
    SYSTEM_UPDATING,
    UPDATING,
    Endpoint,
)
from sagebridge_local.sagemaker.resources import ENDPOINT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sagebridge_local.sagemaker.clock import Scheduler
    from sagebridge_local.sagemaker.cloudwatch.alarms import Alarms
    from sagebridge_local.sagemaker.endpoints.hosting import Hosting
    from sagebridge_local.sagemaker.endpoints.rollout import Rollout
    from sagebridge_local.sagemaker.store import Store


class Endpoints:
    """What happens to endpoints after their requests were accepted.

    Args:
        store: where they are kept.
        scheduler: the clock.
        hosting: what makes fleets answer.
        alarms: CloudWatch's alarms.
        on_change: told of every change of a status.
        on_stage: told of every stage of a deployment.
    """

    def __init__(
        self,
        *,
        store: Store,
        scheduler: Scheduler,
        hosting: Hosting,
        alarms: Alarms,
        on_change: Callable[[Endpoint, float], None],
        on_stage: Callable[[Endpoint, float], None],
    ) -> None:
        self.hosting = hosting
        self._store = store
        self._scheduler = scheduler
        self._alarms = alarms
        self._on_change = on_change
        self._on_stage = on_stage
        self._deployments: dict[str, Deployment] = {}

    def deploy(self, endpoint: Endpoint, rollout: Rollout, *, at: float, doomed_after: float | None = None) -> None:
        """Begin to deploy the endpoint's green fleet; `doomed_after` seconds it fails for want of capacity."""
        deployment = Deployment(
            endpoint=endpoint,
            rollout=rollout,
            hosting=self.hosting,
            scheduler=self._scheduler,
            alarms=self._alarms,
            on_change=self._on_change,
            on_stage=self._on_stage,
            on_end=self._ended,
        )
        self._deployments[endpoint.arn] = deployment
        if doomed_after is None:
            deployment.begin(at)
        else:
            deployment.doom(at, reason=CAPACITY_REASON, after=doomed_after)

    def fail(self, endpoint: Endpoint, *, reason: str, at: float) -> bool:
        """Let the deployment under way fail; returns False when there is none."""
        deployment = self._deployments.get(endpoint.arn)
        if deployment is not None:
            deployment.failed(reason, at)
        return deployment is not None

    def rescale(self, endpoint: Endpoint, *, at: float) -> None:
        """Let weights and capacities become what is desired."""
        self._pass_through(UPDATING, endpoint, seconds=self.hosting.scale_seconds(endpoint), at=at)
        self._on_stage(endpoint, at)

    def maintain(self, endpoint: Endpoint, *, seconds: float, at: float) -> None:
        """Let SageMaker maintain an endpoint: it serves, and can't be changed meanwhile."""
        self._pass_through(SYSTEM_UPDATING, endpoint, seconds=seconds, at=at)

    def _pass_through(self, status: str, endpoint: Endpoint, *, seconds: float, at: float) -> None:
        endpoint.enter(status, at)
        self._on_change(endpoint, at)

        def settle(due: float) -> None:
            if endpoint.fleet is not None and endpoint.status == status:
                endpoint.fleet.settle()
                endpoint.enter(IN_SERVICE, due)
                self._on_change(endpoint, due)

        self._scheduler.at(at + seconds, settle)

    def delete(self, endpoint: Endpoint, *, at: float) -> None:
        """Stop serving at once; the endpoint is gone a little later."""
        endpoint.enter(DELETING, at)
        self._on_change(endpoint, at)
        for fleet in (endpoint.fleet, endpoint.green):
            if fleet is not None:
                fleet.stop()
        endpoint.fleet = endpoint.green = None
        table = self._store.resources(ENDPOINT, account=endpoint.account, region=endpoint.region)
        due = at + self.hosting.delete_seconds(endpoint)

        def forget(_: float) -> None:
            if table.get(endpoint.name) is endpoint:
                table.remove(endpoint)

        self._scheduler.at(due, forget)

    def all(self) -> Iterator[Endpoint]:
        """Every endpoint of every account and region."""
        for table in self._store.resource_tables(ENDPOINT):
            yield from table.all()

    def reset(self) -> None:
        """Drop every deployment and every fleet."""
        for deployment in list(self._deployments.values()):
            deployment.cancel()
        self._deployments.clear()
        for endpoint in self.all():
            for fleet in (endpoint.fleet, endpoint.green):
                if fleet is not None:
                    fleet.stop()

    async def close(self) -> None:
        """End everything that runs."""
        self.reset()
        await self.hosting.close()

    def _ended(self, endpoint: Endpoint) -> None:
        self._deployments.pop(endpoint.arn, None)


def shown(endpoint: Endpoint) -> dict[str, Any]:
    """What the admin API shows of an endpoint."""
    return {
        "name": endpoint.name,
        "arn": endpoint.arn,
        "account": endpoint.account,
        "region": endpoint.region,
        "status": endpoint.status,
        "configName": endpoint.config_name,
        "greenConfigName": endpoint.green.config_name if endpoint.green else None,
        "greenShare": endpoint.green_share,
        "failureReason": endpoint.failure_reason,
        "creationTime": endpoint.creation_time,
        "lastModifiedTime": endpoint.last_modified_time,
        "tags": endpoint.tags,
    }
