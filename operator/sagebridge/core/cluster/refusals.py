"""What SageMaker does for a TrainingJob and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A field that can't be honoured on the cluster.

    Attributes:
        field: its path below ``spec``; ``[]`` behind the name of a list stands for each of its items.
        why: what is not there, and what to do instead.
        unless: the one value that asks for nothing, which is the default; None if giving the field is asking.
    """

    field: str
    why: str
    unless: bool | str | None = None

    @property
    def message(self) -> str:
        """For the user."""
        return f"{self.field} can't be kept with target: Cluster: {self.why}"


ON_SAGEMAKER: Final = "remove it, or use target: SageMaker"
SERVICE: Final = f"it is a service of SageMaker's; {ON_SAGEMAKER}"
IN_THE_NODES_NETWORK: Final = (
    "pods are in the nodes' network, and what they may reach is a matter of NetworkPolicies; remove it"
)
ON_THE_NODES_DISK: Final = (
    "a pod's files are on its node's disk, which is encrypted by the node's own settings; remove it"
)

REFUSALS: Final = (
    Refusal(
        field="vpcConfig",
        why=IN_THE_NODES_NETWORK,
    ),
    Refusal(
        field="enableNetworkIsolation",
        why="the agent that brings data and takes results shares the pod's network; restrict the pods by a "
        "NetworkPolicy that allows S3, and remove it",
        unless=False,
    ),
    Refusal(
        field="enableInterContainerTrafficEncryption",
        why="traffic between pods is encrypted by the cluster's network, if at all; remove it",
        unless=False,
    ),
    Refusal(
        field="stoppingCondition.maxPendingTimeInSeconds",
        why="maxWaitTimeInSeconds, with enableManagedSpotTraining, bounds the waiting there; remove it",
    ),
    Refusal(field="retryStrategy", why="it is SageMaker's own; use runPolicy.retry, which works on both"),
    Refusal(field="debugHookConfig", why=SERVICE),
    Refusal(field="debugRuleConfigurations", why=SERVICE),
    Refusal(field="tensorBoardOutputConfig", why=SERVICE),
    Refusal(field="experimentConfig", why=SERVICE),
    Refusal(field="profilerConfig", why=SERVICE),
    Refusal(field="profilerRuleConfigurations", why=SERVICE),
    Refusal(field="remoteDebugConfig", why="use kubectl exec on the pods; remove it"),
    Refusal(field="infraCheckConfig", why=SERVICE),
    Refusal(field="sessionChainingConfig", why=SERVICE),
    Refusal(field="serverlessJobConfig", why=ON_SAGEMAKER),
    Refusal(field="mlflowConfig", why=SERVICE),
    Refusal(field="modelPackageConfig", why=SERVICE),
    Refusal(
        field="resourceConfig.instanceGroups",
        why="the pods of a Job are all alike; give resourceConfig.instanceType and instanceCount",
    ),
    Refusal(
        field="resourceConfig.instancePreferences",
        why="list what will do in cluster.instanceTypes, and give resourceConfig.instanceType",
    ),
    Refusal(
        field="resourceConfig.keepAlivePeriodInSeconds",
        why="there are no warm pools; nodes stay as long as your autoscaler keeps them. Remove it",
    ),
    Refusal(
        field="resourceConfig.volumeKmsKeyId",
        why=ON_THE_NODES_DISK,
    ),
    Refusal(field="resourceConfig.trainingPlanArn", why=ON_SAGEMAKER),
    Refusal(
        field="resourceConfig.instancePlacementConfig",
        why="use cluster.topologyKey, which keeps a job's pods together",
    ),
    Refusal(
        field="algorithmSpecification.algorithmName",
        why="the image of an algorithm resource is SageMaker's to pull; give algorithmSpecification.trainingImage",
    ),
    Refusal(
        field="algorithmSpecification.trainingImageConfig",
        why="private registries need cluster.imagePullSecrets; remove it",
    ),
    Refusal(
        field="algorithmSpecification.enableSageMakerMetricsTimeSeries",
        why=SERVICE,
        unless=False,
    ),
)

PIPE_MODE = "the input mode Pipe is not there with target: Cluster: use File or FastFile"

SWITCH = "the chart's cluster.enabled, or without the chart SAGEBRIDGE_AGENT_IMAGE"
"""What lets there be pods on the cluster."""


def switched_off(what: str) -> str:
    """What is said of jobs or pods, `what`, where there are none on the cluster."""
    return f"{what} on the cluster's own nodes are switched off here; what switches them on is {SWITCH}."


def check(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that asks for what the cluster can't do.

    The CRD's rules do the same at admission; this also holds for what was admitted by an older version.

    Raises:
        SpecError: names the field, and what to do.
    """
    refuse(spec, REFUSALS, path="spec")
    for field, mode in _input_modes(spec):
        if mode == "Pipe":
            raise SpecError(field, PIPE_MODE)
    for index, channel in enumerate(spec.get("inputDataConfig") or ()):
        _check_channel(channel, field=f"spec.inputDataConfig[{index}]")


def refuse(spec: Mapping[str, Any], refusals: Iterable[Refusal], *, path: str) -> None:
    """Refuse what is asked for in a part of a spec that stands at a path.

    Raises:
        SpecError: names the field, and what to do.
    """
    for refusal in refusals:
        for field in asking(spec, refusal):
            raise SpecError(f"{path}.{field}", f"can't be kept with target: Cluster: {refusal.why}")


def asking(spec: Mapping[str, Any], refusal: Refusal) -> Iterator[str]:
    """The paths at which a spec gives the field, with a value that means something."""
    for path, value in _values(spec, refusal.field.split(".")):
        if value is not None and value != refusal.unless:
            yield path


def _values(part: Any, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What stands at a path of a part of a spec, at as many places as its lists have items."""
    name, *inner = names
    key = name.removesuffix("[]")
    found = part.get(key) if isinstance(part, dict) else None
    items = [(key, found)]
    if key != name:
        items = [(f"{key}[{index}]", item) for index, item in enumerate(found or ())]
    for at, item in items:
        if not inner:
            yield at, item
        else:
            yield from ((f"{at}.{path}", value) for path, value in _values(item, inner))


def _input_modes(spec: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield (
        "spec.algorithmSpecification.trainingInputMode",
        (spec.get("algorithmSpecification") or {}).get("trainingInputMode"),
    )
    for index, channel in enumerate(spec.get("inputDataConfig") or ()):
        yield f"spec.inputDataConfig[{index}].inputMode", channel.get("inputMode")


def _check_channel(channel: Mapping[str, Any], *, field: str) -> None:
    source = channel.get("dataSource") or {}
    if source.get("datasetSource") is not None:
        raise SpecError(f"{field}.dataSource.datasetSource", f"can't be read on the cluster: {ON_SAGEMAKER}")
    for key in ("modelAccessConfig", "hubAccessConfig"):
        if (source.get("s3DataSource") or {}).get(key) is not None:
            raise SpecError(f"{field}.dataSource.s3DataSource.{key}", f"can't be kept on the cluster: {ON_SAGEMAKER}")
    if (source.get("s3DataSource") or {}).get("s3DataType") == "AugmentedManifestFile":
        message = "AugmentedManifestFile needs the input mode Pipe, which is not there with target: Cluster"
        raise SpecError(f"{field}.dataSource.s3DataSource.s3DataType", message)
    if channel.get("compressionType") == "Gzip":
        message = "is for the input mode Pipe, which is not there with target: Cluster: decompress in your code"
        raise SpecError(f"{field}.compressionType", message)
    if channel.get("recordWrapperType") == "RecordIO":
        raise SpecError(f"{field}.recordWrapperType", "is for the input mode Pipe, which is not there on the cluster")
