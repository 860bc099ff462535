"""The Deployments, pods and all that goes with them of Endpoints, as they were last seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sagebridge.core.cluster.names import LABEL_UID, annotations_of, labels_of
from sagebridge.core.cluster.serving.endpoint import LABEL_ENDPOINT
from sagebridge.core.names import Owner

Body = Mapping[str, Any]
Changed = Callable[[str], None]


class Part(StrEnum):
    """What an endpoint consists of, by plural."""

    DEPLOYMENT = "deployments"
    SERVICE = "services"
    BUDGET = "poddisruptionbudgets"
    REVISION = "configmaps"
    HPA = "horizontalpodautoscalers"
    KEDA = "scaledobjects"
    POD = "pods"


class Belonging(StrEnum):
    """Whose an object is."""

    OURS = "ours"
    FREE = "free"
    """Left by an earlier object of the same name."""
    GOING = "going"
    """An earlier object's of the same name, with which it goes."""
    ANOTHERS = "another's"


@dataclass(kw_only=True, slots=True)
class Parts:
    """What was seen of one endpoint.

    Attributes:
        bodies: by part and name.
    """

    bodies: dict[tuple[Part, str], Body] = field(default_factory=dict)

    def of(self, part: Part, name: str) -> Body | None:
        """One object; None if there is none."""
        return self.bodies.get((part, name))

    def all(self, part: Part) -> list[Body]:
        """All objects of a kind."""
        return [body for (kind, _), body in self.bodies.items() if kind is part]


class ServingView:
    """What was seen of each endpoint, by namespace and its name: reflectors put it there, and our own writes."""

    def __init__(self) -> None:
        self._seen: defaultdict[tuple[str, str], Parts] = defaultdict(Parts)
        self._keys: dict[tuple[Part, str, str], tuple[str, str]] = {}
        self.changed: Changed = lambda _uid: None

    def of(self, *, namespace: str, name: str) -> Parts:
        """What is known of one endpoint."""
        return self._seen.get((namespace, name)) or Parts()

    def put(self, part: Part, body: Body) -> None:
        """An object is there, or has changed; an older version than is known is none of both."""
        before = self._known(part, body)
        if before is not None and _version(body) < _version(before):
            return
        if before is not None and _key(before) != _key(body):
            # Somebody has taken the label off, as from a pod that is to be looked at: it is that endpoint's no more.
            self._forget(part, before)
            self._tell(before)
            before = None
        self._seen[_key(body)].bodies[part, body["metadata"]["name"]] = body
        self._keys[_where(part, body)] = _key(body)
        if before is None or _without_version(before) != _without_version(body):
            self._tell(body)

    def remove(self, part: Part, body: Body) -> None:
        """An object is gone."""
        known = self._known(part, body)
        # Another one of that name may be there by now.
        if known is not None and known["metadata"]["uid"] == body["metadata"]["uid"]:
            self._forget(part, known)
            self._tell(known)

    def _known(self, part: Part, body: Body) -> Body | None:
        key = self._keys.get(_where(part, body))
        return self._seen[key].of(part, body["metadata"]["name"]) if key is not None else None

    def _forget(self, part: Part, body: Body) -> None:
        key = self._keys.pop(_where(part, body))
        del self._seen[key].bodies[part, body["metadata"]["name"]]
        if not self._seen[key].bodies:
            del self._seen[key]

    def _tell(self, body: Body) -> None:
        self.changed(labels_of(body).get(LABEL_UID, ""))


def belonging(body: Body, owner: Owner) -> Belonging:
    """Whose an object is: labels and annotations are anybody's, but for what nobody controls."""
    controller = next((one for one in _owners(body) if one.get("controller")), None)
    if controller is None:
        return Belonging.FREE if owner.owns_by_name(annotations_of(body)) else Belonging.ANOTHERS
    if controller.get("uid") == owner.uid:
        return Belonging.OURS
    is_earlier = (controller.get("kind"), controller.get("name")) == ("Endpoint", owner.name)
    return Belonging.GOING if is_earlier else Belonging.ANOTHERS


def ours(bodies: Iterable[Body], owner: Owner) -> list[Body]:
    """Those that are the object's."""
    return [body for body in bodies if belonging(body, owner) is Belonging.OURS]


def _owners(body: Body) -> list[Body]:
    return list(body["metadata"].get("ownerReferences") or ())


def _key(body: Body) -> tuple[str, str]:
    return body["metadata"]["namespace"], labels_of(body).get(LABEL_ENDPOINT, "")


def _where(part: Part, body: Body) -> tuple[Part, str, str]:
    return part, body["metadata"]["namespace"], body["metadata"]["name"]


def _version(body: Body) -> int:
    text = str(body["metadata"].get("resourceVersion") or "")
    return int(text) if text.isdecimal() else 0


def _without_version(body: Body) -> dict[str, Any]:
    metadata = {key: value for key, value in body["metadata"].items() if key != "resourceVersion"}
    return {**body, "metadata": metadata}
