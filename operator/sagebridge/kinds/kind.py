"""What a job kind declares. The engine, the targets and the poller read it; nothing else differs between kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sagebridge.core.cluster.names import TRAIN
from sagebridge.core.names import JOB_NAME_LIMIT
from sagebridge.core.observation import Phase
from sagebridge.core.resolution import Path, ResolveContext
from sagebridge.core.serving import ModelContext
from sagebridge.schema.kind import KindSchema

Resolve = Callable[[Mapping[str, Any], ResolveContext], dict[str, Any]]
Sections = Callable[[Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]
Reply = Mapping[str, Any]
ModelOf = Callable[[Mapping[str, Any], ModelContext], dict[str, Any] | None]


JOB_PHASES: Final = MappingProxyType(
    {
        "InProgress": Phase.OPEN,
        "Stopping": Phase.STOPPING,
        "Completed": Phase.SUCCEEDED,
        "Failed": Phase.FAILED,
        "Stopped": Phase.STOPPED,
    }
)
"""What the statuses mean that every kind of job has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """A call that tells what Describe leaves out.

    Attributes:
        operation: the API's name.
        request: its request, from Describe's reply; None where there is nothing to ask.
        names: the status fields that it fills.
        fields: what it fills them with, from Describe's reply and its own.
    """

    operation: str
    request: Callable[[Reply], dict[str, Any] | None]
    names: tuple[str, ...]
    fields: Callable[[Reply, Reply], dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Children:
    """Jobs that a job starts itself, and that go with it when it is purged.

    Attributes:
        list: the operation that lists them; its request names the parent by the parent's name member.
        summaries_member, name_member: where its reply has their names.
        delete: the operation that deletes one, by its name member.
    """

    list: str
    summaries_member: str
    name_member: str
    delete: str


def whole_spec(spec: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The sections of a kind whose specs are about one thing."""
    return {"": spec}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobKind:
    """A kind whose objects are jobs: created once per attempt, observed, stopped, deleted.

    Attributes:
        schema: its CRD.
        create, describe, list, stop, delete: the API's operations; `delete` is empty where the API has none.
        name_member: the member of requests and replies that holds the name, e.g. ``TrainingJobName``.
        arn_member: the member that holds the ARN.
        summaries_member: the member of List's reply that holds the jobs.
        status_member: the member that `phases` explains, in Describe and List alike.
        list_members: what else List tells about a job; copied to status.
        arn_resource: the ARN's resource type, e.g. ``training-job``.
        phases: what each status means.
        resolve: completes a spec (pure).
        resolve_on_cluster: completes a spec with ``target: Cluster`` (pure).
        fresh_fields: status fields of a job that was created a moment ago.
        stopping_fields: status fields of a job that was told to stop a moment ago.
        start_field, end_field: Describe's times, as status names them.
        log_group: the CloudWatch log group; streams begin with the job's name.
        image: where a complete spec has the image, which later attempts keep; empty for a kind without one.
        part_image: where each part of a complete spec has one, for a kind whose specs may have several.
        output: where a manifest gives the output path, or needs a default bucket; empty for a kind whose manifests
            have several or none.
        model_of: gives the request of CreateModel for a model that has to be made first (pure); None for a kind whose
            jobs need none.
        instance: where a manifest gives the instance type that such a model serves on.
        resources: where a complete spec says how many instances the job gets; empty where it does not.
        name_limit: the longest name, in characters.
        sections: the parts of a spec that have a ``source``, an ``environmentFrom`` or a role, by their paths in it.
        look_when: counters in status which, when List shows them changed, are worth a Describe.
        follow_ups: what is asked after each Describe.
        children: the jobs that its jobs start, if they do.
        log_separator: what follows the job's name in the names of log streams.
        container: the user's container in its pods there, whose log is the job's.
    """

    schema: KindSchema
    create: str
    describe: str
    list: str
    stop: str
    delete: str
    name_member: str
    arn_member: str
    summaries_member: str
    status_member: str
    list_members: tuple[str, ...]
    arn_resource: str
    phases: Mapping[str, Phase]
    resolve: Resolve
    resolve_on_cluster: Resolve
    fresh_fields: Mapping[str, str]
    stopping_fields: Mapping[str, str]
    start_field: str
    end_field: str
    log_group: str
    image: Path = ()
    part_image: Path = ()
    output: Path = ()
    model_of: ModelOf | None = None
    instance: Path = ()
    resources: Path = ()
    name_limit: int = JOB_NAME_LIMIT
    sections: Sections = whole_spec
    look_when: tuple[Path, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    children: Children | None = None
    log_separator: str = "/"
    container: str = TRAIN

    @property
    def name(self) -> str:
        """The Kubernetes kind."""
        return self.schema.kind

    @property
    def name_field(self) -> str:
        """The name's field in spec and status."""
        return self.name_member[0].lower() + self.name_member[1:]

    @property
    def arn_field(self) -> str:
        """The ARN's field in status."""
        return self.arn_member[0].lower() + self.arn_member[1:]

    @property
    def status_field(self) -> str:
        """The job status's field in status."""
        return self.status_member[0].lower() + self.status_member[1:]
