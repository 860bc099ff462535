"""An endpoint's row: its status, the fleet that serves, and the one that is to replace it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.endpoints.turns import Turns
from sagebridge_local.sagemaker.resources import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sagebridge_local.sagemaker.endpoints.hosting import Hosted

CREATING: Final = "Creating"
IN_SERVICE: Final = "InService"
UPDATING: Final = "Updating"
ROLLING_BACK: Final = "RollingBack"
UPDATE_ROLLBACK_FAILED: Final = "UpdateRollbackFailed"
SYSTEM_UPDATING: Final = "SystemUpdating"
FAILED: Final = "Failed"
DELETING: Final = "Deleting"
BUSY: Final = frozenset({CREATING, UPDATING, ROLLING_BACK, DELETING, SYSTEM_UPDATING})
SERVING: Final = frozenset({IN_SERVICE, UPDATING, ROLLING_BACK, UPDATE_ROLLBACK_FAILED, SYSTEM_UPDATING})

# Chosen here: how many asynchronous invocations an instance takes at once, where the configuration does not say.
DEFAULT_CONCURRENCY: Final = 4

ACTIVATING_TRAFFIC: Final = "ActivatingTraffic"
BAKING: Final = "Baking"


@dataclass(slots=True, kw_only=True, eq=False)
class Variant:
    """One variant of a fleet: what was asked, and its present weight and capacity.

    Attributes:
        config: The ProductionVariant.
        model: The CreateModel request of its model; None where inference components are to be deployed.
        weight: Its share of the traffic, relative to the others'.
        count: Its instances; None for a serverless variant.
        serverless: Its ServerlessConfig, as updated.
        in_flight: The invocations that it has not answered.
        scaled_at: When a policy changed its instances last.
    """

    config: Mapping[str, Any]
    model: Mapping[str, Any] | None
    weight: float
    desired_weight: float
    count: int | None
    desired_count: int | None
    serverless: dict[str, Any] | None
    desired_serverless: dict[str, Any] | None
    in_flight: int = 0
    scaled_at: float | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.config["VariantName"])

    @classmethod
    def of(cls, config: Mapping[str, Any], model: Mapping[str, Any] | None) -> Variant:
        """A variant as its configuration wants it."""
        weight = float(config.get("InitialVariantWeight", 1.0))
        scaling = config.get("ManagedInstanceScaling", {})
        count = config.get("InitialInstanceCount", scaling.get("MinInstanceCount", 1))
        serverless = config.get("ServerlessConfig")
        return cls(
            config=config,
            model=model,
            weight=weight,
            desired_weight=weight,
            count=None if serverless else count,
            desired_count=None if serverless else count,
            serverless=dict(serverless) if serverless else None,
            desired_serverless=dict(serverless) if serverless else None,
        )

    def settle(self) -> None:
        """What was desired is there."""
        self.weight, self.count = self.desired_weight, self.desired_count
        self.serverless = dict(self.desired_serverless) if self.desired_serverless else None


@dataclass(slots=True, kw_only=True, eq=False)
class Fleet:
    """All that one configuration asks for.

    Attributes:
        config_name: The endpoint configuration's name.
        config: The CreateEndpointConfig request.
        variants: The production variants.
        shadows: The shadow variants.
        hosted: What answers; None until it is launched.
        turns: Of asynchronous invocations.
    """

    config_name: str
    config: Mapping[str, Any]
    variants: list[Variant]
    shadows: list[Variant] = field(default_factory=list)
    hosted: Hosted | None = None
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = Turns(self._at_once)

    @property
    def instances(self) -> int:
        """The instances of all production variants."""
        return sum(variant.desired_count or 0 for variant in self.variants)

    @property
    def everything(self) -> Iterable[Variant]:
        """Production and shadow variants."""
        return (*self.variants, *self.shadows)

    def settle(self) -> None:
        """Every variant has what it wants."""
        for variant in self.everything:
            variant.settle()
        self.turns.admit()

    def stop(self) -> None:
        """Let go what answers."""
        if self.hosted is not None:
            self.hosted.stop()
            self.hosted = None
        self.turns.open()  # who still waits asks the endpoint again

    def _at_once(self) -> int:
        """MaxConcurrentInvocationsPerInstance, times the instances that there are now."""
        client = self.config.get("AsyncInferenceConfig", {}).get("ClientConfig", {})
        each: int = client.get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
        return each * sum(1 if variant.count is None else variant.count for variant in self.variants)


@dataclass(slots=True, kw_only=True, eq=False)
class Endpoint(Resource):
    """An endpoint. Only the deployment changes its state.

    Attributes:
        config_name: The configuration that serves, or that Create asked for.
        status: EndpointStatus.
        failure_reason: FailureReason; kept after a rollback, until the next update.
        fleet: What serves.
        green: What is to replace it.
        green_share: The share of the traffic that the green fleet gets, 0 to 1.
        green_status: The green fleet's VariantStatus.
        green_message: What is going on, in words.
        green_since: When its deployment began.
        deployment_config: LastDeploymentConfig.
    """

    config_name: str
    status: str = CREATING
    failure_reason: str | None = None
    fleet: Fleet | None = None
    green: Fleet | None = None
    green_share: float = 0.0
    green_status: str = CREATING
    green_message: str = ""
    green_since: float = 0.0
    deployment_config: Mapping[str, Any] | None = None
    described: bytes | None = None

    def enter(self, status: str, at: float) -> None:
        """Change the status."""
        self.status = status
        self.touch(at)

    def touch(self, at: float) -> None:
        """Note a change."""
        self.last_modified_time = at
        self.described = None

    @property
    def usages(self) -> dict[str, int]:
        """The instances that it counts against each quota, of both fleets."""
        counted: dict[str, int] = {}
        for fleet in (self.fleet, self.green):
            for usage, count in usages(fleet).items() if fleet else ():
                counted[usage] = counted.get(usage, 0) + count
        return counted


def usages(fleet: Fleet) -> dict[str, int]:
    """The instances that a fleet counts against each quota."""
    counted: dict[str, int] = {}
    for variant in fleet.everything:
        if variant.desired_count is not None and "InstanceType" in variant.config:
            usage = f"{variant.config['InstanceType']} for endpoint usage"
            counted[usage] = counted.get(usage, 0) + variant.desired_count
    return counted
