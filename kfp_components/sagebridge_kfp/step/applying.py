"""An object of a given name, which outlives runs: made, or set to what a step wants."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.core.job import ANNOTATION_RECONCILE_AT
from sagebridge.schema.kind import GROUP, VERSION

from sagebridge_kfp.step.api import Api
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.deleting import Departure
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import Identity, spec_digest
from sagebridge_kfp.step.making import made_of, manifest
from sagebridge_kfp.step.marks import ANNOTATION_DONE, ANNOTATION_SPEC, LABEL_RUN, LABEL_STEP
from sagebridge_kfp.step.patience import Patience
from sagebridge_kfp.step.standing import has_served, verdict
from sagebridge_kfp.step.wanted import Wanted

Body = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """An object that has what a step wants.

    Attributes:
        body: the whole object.
        is_marked: whether it tells of this step: it was made by it, or by one that has not ended well.
        is_new: whether this step, or an earlier pod of it, has made it, and it has not served since.
        is_asked_anew: whether its spec was this one already, and it was stalled, so that the operator was asked to try
            again: what is said against it until then is of before.
    """

    body: Body
    is_marked: bool
    is_new: bool
    is_asked_anew: bool = False


def may_mark(body: Body | None) -> bool:
    """Whether an object is a step's to mark: new, or made by a step that has not ended well."""
    if body is None:
        return True
    metadata = body["metadata"]
    noted = metadata.get("annotations") or {}
    return LABEL_STEP in (metadata.get("labels") or {}) and noted.get(ANNOTATION_DONE) != "true"


def to_apply(wanted: Wanted, *, identity: Identity, is_marked: bool) -> dict[str, Any]:
    """What a step gives of an object: all of it, or what it wants of one that is somebody else's."""
    if is_marked:
        return manifest(wanted, identity=identity, name=wanted.name)
    noted = {**wanted.annotations, ANNOTATION_SPEC: spec_digest(wanted.spec)}
    metadata = {"name": wanted.name, "labels": dict(wanted.labels), "annotations": noted}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": wanted.kind,
        "metadata": metadata,
        "spec": dict(wanted.spec),
    }


def make_way(api: Api, wanted: Wanted, *, console: Console, patience: Patience) -> None:
    """Wait until an object of the given name that is being deleted is gone.

    Raises:
        ApiError: the API server refused.
        StepFailedError: it does not go.
    """
    before = patience.call(lambda: api.get(wanted.kind, wanted.name))
    if before is not None and before["metadata"].get("deletionTimestamp"):
        console.say(f"{wanted.kind} {wanted.name} is being deleted; it is made anew then.")
        departure = Departure(api, console=console, patience=patience)
        departure.wait(wanted.kind, wanted.name, uid=before["metadata"]["uid"])


def apply_named(api: Api, wanted: Wanted, *, identity: Identity, console: Console, patience: Patience) -> Applied:
    """Make the object of a given name, or set it to what a step wants.

    Raises:
        ApiError: the API server refused.
        StepFailedError: the API server was away for too long, or the one that is there must be the step's own, and is
            not.
    """
    before = patience.call(lambda: api.get(wanted.kind, wanted.name))
    if wanted.must_be_own and before is not None and not _is_own(before, wanted, identity=identity):
        raise StepFailedError(_taken(before, wanted))
    is_marked = may_mark(before)
    body = to_apply(wanted, identity=identity, is_marked=is_marked)
    after = patience.call(lambda: api.apply(wanted.kind, body))
    _say(before, after, console=console)
    is_asked_anew = _is_as_before(before, after) and verdict(after) is not None
    if is_asked_anew:
        after = patience.call(lambda: api.merge(wanted.kind, wanted.name, _asking(identity)))
        console.say(f"{wanted.kind} {wanted.name} was stalled before: the operator is asked to try again.")
    is_new = before is None or (is_marked and _is_own(before, wanted, identity=identity) and not has_served(before))
    return Applied(body=after, is_marked=is_marked, is_new=is_new, is_asked_anew=is_asked_anew)


def check_wanted_still(wanted: Wanted, body: Body) -> None:
    """Check that nobody else's step has given the object another spec since.

    Raises:
        StepFailedError: one has, so that what becomes of the object is no answer to this step.
    """
    noted = (body["metadata"].get("annotations") or {}).get(ANNOTATION_SPEC)
    if noted not in (None, spec_digest(wanted.spec)):
        what = f"{wanted.kind} {wanted.name}"
        raise StepFailedError(f"Another step has given {what} another spec meanwhile: this one's is not what it has.")


def _taken(before: Body, wanted: Wanted) -> str:
    run = (before["metadata"].get("labels") or {}).get(LABEL_RUN)
    whose = f" (the run {run} has made it)" if run else ""
    told = f"{wanted.kind} {wanted.name} is there already{whose}, and this step was told to make it, not to update it."
    return f"{told} {wanted.if_taken}".rstrip()


def _is_own(before: Body, wanted: Wanted, *, identity: Identity) -> bool:
    """Whether an earlier pod of this step has made it; after the apply its label would say so of any object."""
    labels = before["metadata"].get("labels") or {}
    return bool(labels.get(LABEL_STEP) == identity.step(wanted.kind))


def _is_as_before(before: Body | None, after: Body) -> bool:
    return before is not None and before["metadata"].get("generation") == after["metadata"].get("generation")


def _asking(identity: Identity) -> Body:
    """The patch by which the operator tries the same again, once for each pod."""
    _, _, uid = identity.pod.rpartition("/")
    return {"metadata": {"annotations": {ANNOTATION_RECONCILE_AT: uid or uuid.uuid4().hex}}}


def _say(before: Body | None, after: Body, *, console: Console) -> None:
    metadata = after["metadata"]
    what = f"{after['kind']} {metadata['namespace']}/{metadata['name']}"
    if before is None:
        console.say(made_of(after))
    elif _is_as_before(before, after):
        console.say(f"{what} is there, as this step wants it.")
    else:
        console.say(f"{what} is there, and has this step's spec now.")
