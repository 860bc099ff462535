"""The step's object: found where an earlier pod of the step has made it, else made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.schema.kind import GROUP, VERSION

from sagebridge_kfp.step.api import Api, ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity, spec_digest
from sagebridge_kfp.step.kinds import SHORT_NAMES
from sagebridge_kfp.step.marks import (
    ANNOTATION_POD,
    ANNOTATION_SPEC,
    ANNOTATION_STOPPED,
    ANNOTATION_STOPPED_BECAUSE,
    ANNOTATION_TASK,
    LABEL_RUN,
    LABEL_STEP,
    label_value,
)
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.standing import is_begun, is_ended, is_failed
from sagebridge_kfp.step.wanted import Wanted

Body = Mapping[str, Any]

_CONFLICT: Final = 409
_MOST_TRIES: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The step's object, as it is now.

    Attributes:
        body: the whole object.
        is_made: whether it was made just now.
    """

    body: Body
    is_made: bool


def newest(found: Sequence[Body]) -> Body | None:
    """Of a step's objects the one that counts: the last attempt's; None if there is none."""
    return max(found, key=_number, default=None)


def next_number(last: Body | None) -> int | None:
    """Which attempt a step has to make, None if it goes on with the last one."""
    if last is None:
        return 1
    is_over = is_failed(last) or bool(last["metadata"].get("deletionTimestamp"))
    return _number(last) + 1 if is_over else None


def manifest(wanted: Wanted, *, identity: Identity, name: str) -> dict[str, Any]:
    """The object that a step makes."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": wanted.kind,
        "metadata": {
            "name": name,
            "labels": {**wanted.labels, **labels_of(wanted, identity=identity)},
            "annotations": {**wanted.annotations, **annotations_of(wanted, identity=identity)},
        },
        "spec": dict(wanted.spec),
    }


def made_of(body: Body) -> str:
    """That an object was made, and how kubectl shows it."""
    kind, name, namespace = body["kind"], body["metadata"]["name"], body["metadata"]["namespace"]
    return f"Made {kind} {namespace}/{name} (kubectl -n {namespace} get {SHORT_NAMES[kind]}/{name})."


def labels_of(wanted: Wanted, *, identity: Identity) -> dict[str, str]:
    """What tells the step's objects from others."""
    return {LABEL_RUN: label_value(identity.run), LABEL_STEP: identity.step(wanted.kind)}


def annotations_of(wanted: Wanted, *, identity: Identity) -> dict[str, str]:
    """What tells more of the step."""
    told = {ANNOTATION_TASK: identity.task, ANNOTATION_SPEC: spec_digest(wanted.spec)}
    return told | ({ANNOTATION_POD: identity.pod} if identity.pod else {})


def attachment(body: Body, *, identity: Identity) -> Body | None:
    """The merge patch by which a pod takes over an object that an earlier one has made; None if nothing changes."""
    if is_ended(body):
        return None
    noted = body["metadata"].get("annotations") or {}
    patch: dict[str, Any] = {}
    if identity.pod and noted.get(ANNOTATION_POD) != identity.pod:
        patch["metadata"] = {"annotations": {ANNOTATION_POD: identity.pod}}
    if noted.get(ANNOTATION_STOPPED) == "true":
        gone = {ANNOTATION_STOPPED: None, ANNOTATION_STOPPED_BECAUSE: None}
        patch.setdefault("metadata", {}).setdefault("annotations", {}).update(gone)
        patch["spec"] = {"runPolicy": {"suspend": False}}
    return patch or None


class Maker:
    """Makes or finds the objects of one step.

    Args:
        api: the namespace's objects.
        identity: which step it is.
        console: where it says what it does.
        patience: how calls are made.
    """

    def __init__(self, api: Api, *, identity: Identity, console: Console, patience: Patience) -> None:
        self._api = api
        self._identity = identity
        self._console = console
        self._patience = patience

    def find_or_make(self, wanted: Wanted) -> Found:
        """The step's own object: that of an earlier pod, or a new one.

        Raises:
            ApiError: the API server refused.
            StepFailedError: others change it without end.
        """
        selector = labels_of(wanted, identity=self._identity)
        for _ in range(_MOST_TRIES):
            last = newest(self._patience.call(lambda: self._api.list(wanted.kind, labels=selector)))
            number = next_number(last)
            try:
                if last is None or number is not None:
                    return self._make(wanted, number=number or 1, last=last)
                return Found(body=self._take_over(wanted, last), is_made=False)
            except ApiError as error:
                if error.status != _CONFLICT:
                    raise
        name = self._identity.name(wanted.kind, readable=wanted.readable)
        raise StepFailedError(f"{wanted.kind} {name} is changed by others again and again.")

    def _make(self, wanted: Wanted, *, number: int, last: Body | None) -> Found:
        name = self._identity.name(wanted.kind, readable=wanted.readable, number=number)
        body = manifest(wanted, identity=self._identity, name=name)
        if last is not None:
            self._console.say(f"{wanted.kind} {last['metadata']['name']} has failed for good: this is a new attempt.")
        made = self._patience.call(lambda: self._api.create(wanted.kind, body))
        self._console.say(made_of(made))
        return Found(body=made, is_made=True)

    def _take_over(self, wanted: Wanted, body: Body) -> Body:
        name = body["metadata"]["name"]
        self._console.say(f"Found {wanted.kind} {name}, which an earlier pod of this step has made.")
        if (body["metadata"].get("annotations") or {}).get(ANNOTATION_SPEC) != spec_digest(wanted.spec):
            body = self._respecify(wanted, body)
        patch = attachment(body, identity=self._identity)
        if patch is None:
            return body
        if "spec" in patch:
            self._console.say(f"{wanted.kind} {name} was stopped when that pod was told to end: it goes on.")
        return self._patience.call(lambda: self._api.merge(wanted.kind, name, patch))

    def _respecify(self, wanted: Wanted, body: Body) -> Body:
        """Write the spec of today where nothing was begun with the one before."""
        name = body["metadata"]["name"]
        if is_begun(body) or is_ended(body):
            return self._keep(wanted, body)
        metadata = dict(body["metadata"])
        noted = annotations_of(wanted, identity=self._identity)
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **noted, ANNOTATION_STOPPED: "false"}
        # Should an attempt be recorded meanwhile, this is a conflict, and the object is looked at again.
        written = self._patience.call(
            lambda: self._api.replace(wanted.kind, {**body, "metadata": metadata, "spec": dict(wanted.spec)})
        )
        self._console.say(f"{wanted.kind} {name} had another spec, with which nothing had begun; it has this one now.")
        return written

    def _keep(self, wanted: Wanted, body: Body) -> Body:
        self._console.say(
            f"{wanted.kind} {body['metadata']['name']} was made with another spec, and has begun: that one counts, "
            "not what this step asks for now."
        )
        return body


def _number(body: Body) -> int:
    """Which attempt of its step an object is, as its name tells."""
    metadata = body["metadata"]
    step = (metadata.get("labels") or {}).get(LABEL_STEP, "")
    _, _, suffix = str(metadata["name"]).rpartition(step)
    return int(suffix[1:]) if re.fullmatch(r"-[1-9]\d*", suffix) else 1
