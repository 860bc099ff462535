"""What makes fleets answer: the interface, and the one that follows scripts and runs nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Protocol

from sagebridge_local.sagemaker.endpoints.endpoint import FAILED, IN_SERVICE, UPDATE_ROLLBACK_FAILED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.clock import Scheduler, Timer
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet, Variant
    from sagebridge_local.serving.pieces import Pieces
    from sagebridge_local.serving.records import Invocation

OUTCOMES: Final = (IN_SERVICE, FAILED, UPDATE_ROLLBACK_FAILED)
# Chosen here: on SageMaker it is some minutes each.
DEFAULT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One invocation, as a container gets it.

    Attributes:
        body: The payload.
        content_type: Its type.
        accept: What is asked for.
        headers: Further headers that containers see.
        target_model: TargetModel.
        container: TargetContainerHostname.
        timeout_seconds: How long each container may take.
    """

    body: bytes
    content_type: str
    accept: str | None = None
    headers: Mapping[str, str]
    target_model: str | None = None
    container: str | None = None
    timeout_seconds: float = 60.0


class Listener(Protocol):
    """Where a hosting reports to."""

    def ready(self, at: float) -> None:
        """Every variant answers."""
        ...

    def failed(self, reason: str, at: float) -> None:
        """A variant can't be made to answer."""
        ...


class Hosted(Protocol):
    """A launched fleet."""

    async def invoke(self, variant: Variant, request: Request) -> Invocation:
        """Pass an invocation to a variant.

        Raises:
            ServingError: its target model can't be loaded.
        """
        ...

    async def stream(self, variant: Variant, request: Request) -> tuple[Invocation, Pieces]:
        """As `invoke`, with the body piece by piece; the caller closes it, also when the model failed."""
        ...

    def stop(self) -> None:
        """End it; invocations under way are still answered."""
        ...


class Hosting(Protocol):
    """Launches fleets."""

    def launch(self, endpoint: Endpoint, fleet: Fleet, *, listener: Listener, at: float) -> Hosted:
        """Begin to make a fleet answer."""
        ...

    def scale_seconds(self, endpoint: Endpoint) -> float:
        """How long a change of weights and capacities takes."""
        ...

    def delete_seconds(self, endpoint: Endpoint) -> float:
        """How long a deletion takes."""
        ...

    def rollback_fails(self, endpoint: Endpoint) -> bool:
        """Whether a rollback of the endpoint is to fail, too."""
        ...

    async def close(self) -> None:
        """End everything, and wait until it is gone."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointScript:
    """How the deployments of an endpoint go.

    Attributes:
        seconds: How long a fleet takes to be ready.
        outcome: InService, Failed, or UpdateRollbackFailed.
        failure_reason: The FailureReason of one that fails.
        scale_seconds: How long a change of weights and capacities takes.
        delete_seconds: How long a deletion takes.
    """

    seconds: float = DEFAULT_SECONDS
    outcome: str = IN_SERVICE
    failure_reason: str | None = None
    scale_seconds: float = 30.0
    delete_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, not {self.outcome!r}")
        if min(self.seconds, self.scale_seconds, self.delete_seconds) < 0:
            raise ValueError("a script's seconds can't be negative")


class EndpointScripts:
    """Which script an endpoint follows: the latest whose pattern fits its name."""

    def __init__(self) -> None:
        self._scripts: list[tuple[str, EndpointScript]] = []

    def set(self, pattern: str, script: EndpointScript) -> None:
        """Let endpoints whose name fits a glob follow a script, from their next deployment on."""
        self._scripts = [(known, kept) for known, kept in self._scripts if known != pattern]
        self._scripts.append((pattern, script))

    def script_for(self, name: str) -> EndpointScript:
        """The script of an endpoint."""
        fitting = [script for pattern, script in self._scripts if fnmatchcase(name, pattern)]
        return fitting[-1] if fitting else EndpointScript()

    def clear(self) -> None:
        """Forget all scripts but the default."""
        self._scripts.clear()


class ScriptedHosting:
    """Fleets that are ready when their script says so; invocations are answered with the name of who took them."""

    def __init__(self, scheduler: Scheduler, scripts: EndpointScripts) -> None:
        self._scheduler = scheduler
        self._scripts = scripts

    def launch(self, endpoint: Endpoint, fleet: Fleet, *, listener: Listener, at: float) -> ScriptedFleet:
        """Schedule the end of the launch."""
        script = self._scripts.script_for(endpoint.name)

        def end(due: float) -> None:
            if script.outcome == IN_SERVICE:
                listener.ready(due)
            else:
                listener.failed(script.failure_reason or "The script says that this deployment fails", due)

        return ScriptedFleet(endpoint, fleet, self._scheduler.at(at + script.seconds, end))

    def scale_seconds(self, endpoint: Endpoint) -> float:
        """As the script says."""
        return self._scripts.script_for(endpoint.name).scale_seconds

    def delete_seconds(self, endpoint: Endpoint) -> float:
        """As the script says."""
        return self._scripts.script_for(endpoint.name).delete_seconds

    def rollback_fails(self, endpoint: Endpoint) -> bool:
        """As the script says."""
        return self._scripts.script_for(endpoint.name).outcome == UPDATE_ROLLBACK_FAILED

    async def close(self) -> None:
        """Nothing runs."""


class ScriptedFleet:
    """A fleet of no processes."""

    def __init__(self, endpoint: Endpoint, fleet: Fleet, timer: Timer) -> None:
        self._endpoint = endpoint
        self._fleet = fleet
        self._timer = timer

    async def invoke(self, variant: Variant, request: Request) -> Invocation:
        """Say who took it: the endpoint, the configuration, the variant and the model."""
        from sagebridge_local.serving.records import Invocation

        content: dict[str, Any] = {
            "EndpointName": self._endpoint.name,
            "EndpointConfigName": self._fleet.config_name,
            "VariantName": variant.name,
            "ModelName": variant.config.get("ModelName"),
            "TargetModel": request.target_model,
        }
        return Invocation(status=200, body=json.dumps(content).encode(), content_type="application/json")

    async def stream(self, variant: Variant, request: Request) -> tuple[Invocation, Pieces]:
        """The same, in one piece."""
        from sagebridge_local.serving.pieces import Pieces

        answer = await self.invoke(variant, request)
        return answer, Pieces.of(answer.body)

    def stop(self) -> None:
        """Drop what is scheduled."""
        self._timer.cancel()
