"""What a container is told about its job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HOMOGENEOUS_GROUP: Final = "homogeneousCluster"
"""The name SageMaker gives to the one group of a job without InstanceGroups."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """What the container sees of an input channel.

    Attributes:
        name: ChannelName.
        input_mode: File, FastFile or Pipe.
        content_type: ContentType, None when the request has none.
        distribution: S3DataDistributionType.
        record_wrapper: RecordWrapperType.
        instance_groups: The groups that get the channel; empty for all of them.
    """

    name: str
    input_mode: str = "File"
    content_type: str | None = None
    distribution: str = "FullyReplicated"
    record_wrapper: str = "None"
    instance_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceGroup:
    """Hosts of one instance type."""

    name: str
    instance_type: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Every host of a job, by group.

    Attributes:
        groups: The groups; their hosts in the order of their numbers.
        network_interface: Over which the hosts talk to each other.
        by_rank: Whether hosts are listed by their numbers, which are their ranks, instead of by name.
    """

    groups: tuple[InstanceGroup, ...]
    network_interface: str = "eth0"
    by_rank: bool = False

    @property
    def hosts(self) -> tuple[str, ...]:
        """All hosts: in lexicographic order, as SageMaker lists them (algo-10 comes before algo-2), or by rank."""
        return self._listed(host for group in self.groups for host in group.hosts)

    def hosts_of(self, group: InstanceGroup) -> tuple[str, ...]:
        """A group's hosts, in the same order."""
        return self._listed(group.hosts)

    def group_of(self, host: str) -> InstanceGroup:
        """The group a host belongs to.

        Raises:
            KeyError: no group has that host.
        """
        for group in self.groups:
            if host in group.hosts:
                return group
        raise KeyError(host)

    def _listed(self, hosts: Iterable[str]) -> tuple[str, ...]:
        return tuple(hosts) if self.by_rank else tuple(sorted(hosts))


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What one host offers to the script."""

    cpus: int
    gpus: int = 0
    neurons: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerJob:
    """A training job as its containers see it.

    Attributes:
        name: TrainingJobName.
        arn: TrainingJobArn.
        region: The job's region.
        cluster: The job's hosts.
        hyperparameters: HyperParameters as in the request: every value a string.
        channels: InputDataConfig, in order.
        environment: Environment of the request.
    """

    name: str
    arn: str
    region: str
    cluster: Cluster
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def channels_of(self, host: str) -> tuple[Channel, ...]:
        """The channels that one host gets, by its instance group."""
        group = self.cluster.group_of(host).name
        return tuple(channel for channel in self.channels if group in (channel.instance_groups or (group,)))


def sagemaker_host(index: int) -> str:
    """The name SageMaker gives to the host with this index, which starts at 0."""
    return f"algo-{index + 1}"


def container_job(request: Mapping[str, Any], *, arn: str, region: str, cluster: Cluster | None = None) -> ContainerJob:
    """Read what the containers need from a CreateTrainingJob request (PascalCase, valid).

    Args:
        request: The request.
        arn: The job's ARN.
        region: The job's region.
        cluster: The job's hosts; None for those that SageMaker makes of its ResourceConfig.
    """
    algorithm = request.get("AlgorithmSpecification", {})
    default_mode = algorithm.get("TrainingInputMode", "File")
    return ContainerJob(
        name=request["TrainingJobName"],
        arn=arn,
        region=region,
        cluster=cluster or sagemaker_cluster(request.get("ResourceConfig", {})),
        hyperparameters=dict(request.get("HyperParameters", {})),
        channels=tuple(_channel(channel, default_mode) for channel in request.get("InputDataConfig", ())),
        environment=dict(request.get("Environment", {})),
    )


def sagemaker_cluster(resource_config: Mapping[str, Any]) -> Cluster:
    """Name the hosts of a ResourceConfig, counted through all of its groups."""
    sizes = [
        (group["InstanceGroupName"], group["InstanceType"], group["InstanceCount"])
        for group in resource_config.get("InstanceGroups") or ()
    ] or [(HOMOGENEOUS_GROUP, resource_config.get("InstanceType", "local"), resource_config.get("InstanceCount", 1))]
    groups, first = [], 0
    for name, instance_type, count in sizes:
        hosts = tuple(sagemaker_host(index) for index in range(first, first + count))
        groups.append(InstanceGroup(name=name, instance_type=instance_type, hosts=hosts))
        first += count
    return Cluster(groups=tuple(groups))


def ranked_cluster(hosts: Sequence[str], *, instance_type: str, network_interface: str) -> Cluster:
    """Hosts of one instance type that have their names already, by rank."""
    group = InstanceGroup(name=HOMOGENEOUS_GROUP, instance_type=instance_type, hosts=tuple(hosts))
    return Cluster(groups=(group,), network_interface=network_interface, by_rank=True)


def _channel(channel: Mapping[str, Any], default_mode: str) -> Channel:
    s3 = channel["DataSource"].get("S3DataSource", {})
    return Channel(
        name=channel["ChannelName"],
        input_mode=channel.get("InputMode", default_mode),
        content_type=channel.get("ContentType"),
        distribution=s3.get("S3DataDistributionType", "FullyReplicated"),
        record_wrapper=channel.get("RecordWrapperType", "None"),
        instance_groups=tuple(s3.get("InstanceGroupNames", ())),
    )
