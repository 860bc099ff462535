"""What every target can do with an attempt at a job. The engine, and all above it, know only this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sagebridge.core.job import Place
from sagebridge.core.names import Owner
from sagebridge.core.observation import Observation
from sagebridge.core.serving import Repack
from sagebridge.core.tenancy import Tenant


@dataclass(frozen=True, kw_only=True, slots=True)
class Handle:
    """One attempt, as a target finds it again.

    Attributes:
        owner: the object it belongs to.
        tenant: under whose policy calls are made.
        region: where it runs.
        name: its deterministic name.
        since: no later than its creation.
        attempt: which attempt of its object it is.
        account: where it was created, as far as status knows; empty if it does not.
        place: on SageMaker, or on the cluster's own nodes.
    """

    owner: Owner
    tenant: Tenant
    region: str
    name: str
    since: datetime
    attempt: int = 1
    account: str = ""
    place: Place = Place.SAGEMAKER


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """How a submit ended well.

    Attributes:
        arn: of the job.
        adopted: whether it was there before, untagged, and was taken over.
        tags: the user's tags that it was found with; None if it was made, with the spec's.
    """

    arn: str
    adopted: bool = False
    tags: Mapping[str, str] | None = None


class NameConflictError(Exception):
    """A job of that name is there and belongs to somebody else."""


class NotOwnedError(Exception):
    """The job that was to be changed does not carry this object's tags."""


class NotGoneError(Exception):
    """What has to go before something can be made is there still; the message says what is waited for."""


class Models(Protocol):
    """Models in SageMaker, which jobs and endpoints serve. Every method may raise as a `Target`'s does."""

    async def make(self, handle: Handle, *, name: str, spec: Mapping[str, Any]) -> str:
        """Create a model, or find the one of that name that is the owner's; its ARN.

        Args:
            handle: whose it is, and where.
            name: its name, which stands for its content.
            spec: CreateModel's request in lowerCamelCase, complete but for the name.

        Raises:
            NameConflictError: a model of that name is somebody else's.
            sagebridge.core.errors.SpecError: `spec` can't be sent.
        """

    async def remove(self, handle: Handle, *, name: str) -> None:
        """Delete a model; one that is gone is left.

        Raises:
            NotOwnedError: it is not the owner's.
        """

    async def role_of(self, handle: Handle, *, name: str) -> str | None:
        """The execution role of a model; empty if it has none, None if there is no such model."""

    async def repack(self, handle: Handle, repack: Repack, *, uri: str) -> None:
        """Make a model's archive with inference code, once for the same URI.

        Raises:
            sagebridge.core.errors.SpecError: it can't be made of what there is.
        """


class Target(Protocol):
    """Where the jobs of one kind run.

    Every method may raise `sagebridge.core.errors.AwsError`; or `NotAllowedError`, where the tenant policy leads to
    another account than it did.

    Attributes:
        models: the models that the jobs of this kind serve; None for a kind whose jobs need none.
    """

    models: Models | None

    async def submit(self, handle: Handle, spec: Mapping[str, Any], *, adopt: bool) -> Submission:
        """Create the job, or take over the one of that name if it is ours (or untagged, with `adopt`).

        Raises:
            NameConflictError: it is somebody else's.
            sagebridge.core.errors.SpecError: `spec`, complete and in lowerCamelCase, can't be sent.
        """

    async def observe(self, handles: Sequence[Handle]) -> Mapping[str, Observation]:
        """Look at all handles of one tenant and region at once; UID to what was seen, without those not found."""

    async def describe(self, handle: Handle) -> Observation:
        """Look at one, whole; a job that is not there is an observation too (phase Gone)."""

    async def stop(self, handle: Handle) -> Observation:
        """Stop the job; one that has ended, or is gone, is left. What it is now.

        Raises:
            NotOwnedError: it is not this object's.
        """

    async def delete(self, handle: Handle) -> None:
        """Delete the job; one that is gone, or was adopted, is left.

        Raises:
            NotOwnedError: it is not this object's.
        """

    async def settle(self, handle: Handle) -> None:
        """Take away what others would run again of a job that has ended for its object, which is about to go."""

    async def tags_of(self, handle: Handle) -> Mapping[str, str]:
        """The tags of the job of that name, whosever it is."""

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """Set `tags` and take off the keys in `remove`.

        Raises:
            NotOwnedError: it is not this object's.
        """

    async def stage_source(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """Put packed source code where the job can read it, once for the same URI; the URI."""
