"""What is known of Endpoints' objects, and whose they are."""

from typing import Any

import pytest
from sagebridge.core.cluster.serving import deployment, pods
from sagebridge.core.cluster.serving.deployment import Deployment
from sagebridge.core.cluster.serving.pods import EndpointPod, of_deployment
from sagebridge.core.cluster.serving.record import Record
from sagebridge.targets.cluster.serving_objects import holds
from sagebridge.targets.cluster.serving_view import Belonging, Part, ServingView, belonging
from support.cluster_endpoints import OWNER, REFERENCE
from support.cluster_endpoints import deployment as a_deployment
from support.cluster_endpoints import pod as a_pod

LABELS = {"sagebridge.io/uid": "u", "sagebridge.io/endpoint": "digits"}


def body(version: str, *, uid: str = "a", **more: Any) -> dict[str, Any]:
    metadata = {"name": "digits", "namespace": "team", "uid": uid, "resourceVersion": version, "labels": LABELS}
    return {"metadata": metadata, **more}


def owned(*owners: dict[str, Any], **annotations: str) -> dict[str, Any]:
    found = body("1")
    return found | {"metadata": found["metadata"] | {"ownerReferences": list(owners), "annotations": annotations}}


def seen(view: ServingView) -> Any:
    return view.of(namespace="team", name="digits").of(Part.SERVICE, "digits")


def test_an_older_version_than_our_own_write_is_no_news() -> None:
    view, told = ServingView(), []
    view.changed = told.append
    view.put(Part.SERVICE, body("10", spec={"a": 2}))
    view.put(Part.SERVICE, body("9", spec={"a": 1}))
    assert seen(view)["spec"] == {"a": 2}
    assert told == ["u"]


def test_a_version_that_says_the_same_wakes_nobody() -> None:
    view, told = ServingView(), []
    view.put(Part.SERVICE, body("10"))
    view.changed = told.append
    view.put(Part.SERVICE, body("11"))
    assert told == []
    assert seen(view)["metadata"]["resourceVersion"] == "11"


def test_what_has_lost_its_label_is_the_endpoints_no_more() -> None:
    view, told = ServingView(), []
    view.put(Part.POD, body("10"))
    view.changed = told.append
    apart = body("11")
    view.put(Part.POD, apart | {"metadata": apart["metadata"] | {"labels": {"sagebridge.io/uid": "u"}}})
    assert view.of(namespace="team", name="digits").all(Part.POD) == []
    assert "u" in told
    view.remove(Part.POD, body("12"))
    assert view.of(namespace="team", name="").all(Part.POD) == []


def test_the_end_of_an_earlier_one_of_the_name_takes_nothing_away() -> None:
    view = ServingView()
    view.put(Part.SERVICE, body("10", uid="new"))
    view.remove(Part.SERVICE, body("9", uid="old"))
    assert seen(view) is not None
    view.remove(Part.SERVICE, body("11", uid="new"))
    assert seen(view) is None


@pytest.mark.parametrize(
    ("reason", "found", "want"),
    [
        ("the object controls it", owned(REFERENCE), Belonging.OURS),
        ("labels and annotations make nothing ours", owned(), Belonging.ANOTHERS),
        ("an object of the same name has left it", owned(**OWNER.tags()), Belonging.FREE),
        ("it goes with an earlier one", owned(REFERENCE | {"uid": "earlier"}), Belonging.GOING),
        (
            "somebody else controls it",
            owned({"kind": "Rollout", "name": "digits", "uid": "r", "controller": True}),
            Belonging.ANOTHERS,
        ),
        (
            "somebody else controls what has our annotations",
            owned({"kind": "Rollout", "name": "digits", "uid": "r", "controller": True}, **OWNER.tags()),
            Belonging.ANOTHERS,
        ),
        (
            "an owner that is no controller",
            owned({k: v for k, v in REFERENCE.items() if k != "controller"}),
            Belonging.ANOTHERS,
        ),
    ],
)
def test_whose_it_is(reason: str, found: dict[str, Any], want: Belonging) -> None:
    assert belonging(found, OWNER) is want, reason


@pytest.mark.parametrize(
    ("reason", "wanted", "found", "want"),
    [
        ("defaults are no change", {"a": 1}, {"a": 1, "b": 2}, True),
        ("another value is", {"a": {"b": 1}}, {"a": {"b": 2}}, False),
        ("what is missing is", {"a": {"b": 1}}, {}, False),
        ("lists are as long as they were written", {"a": [1]}, {"a": [1, 2]}, False),
        ("items have defaults, too", {"a": [{"port": 80}]}, {"a": [{"port": 80, "protocol": "TCP"}]}, True),
    ],
)
def test_whether_an_object_is_as_it_was_written(reason: str, wanted: Any, found: Any, want: bool) -> None:
    assert holds(wanted, found) is want, reason


def test_pods_of_other_controllers_are_not_looked_at() -> None:
    mine = a_pod("r").body
    forged = mine | {"metadata": mine["metadata"] | {"ownerReferences": []}}
    other = [{"kind": "ReplicaSet", "name": "other-1", "uid": "r", "controller": True}]
    others = mine | {"metadata": mine["metadata"] | {"ownerReferences": other}}
    assert of_deployment(a_deployment("r"), [mine, forged, others]) == [EndpointPod(body=mine)]


def test_what_is_kept_tells_all_that_is_read() -> None:
    whole = a_pod("r", restarts=3, ended={"message": "no"}).body
    kept = EndpointPod(body=pods.essence(whole | {"spec": {"nodeName": "n", "containers": ["large"]}}))
    assert (kept.revision, kept.crashes, "no" in kept.last_words) == ("r", 3, True)
    assert "large" not in str(kept.body)
    found = a_deployment("r", wanted=2, updated=2, ready=1)
    short = Deployment(body=deployment.essence(found.body))
    assert (short.revision, short.wanted, short.available, short.is_rolled_out) == ("r", 2, 1, False)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("nothing yet", {}),
        ("what anybody may have written", {"update": {}, "lastFailure": {"resolved": True, "key": "k"}}),
    ],
)
def test_a_status_without_a_record_records_nothing(reason: str, status: dict[str, Any]) -> None:
    assert Record.parse(status) == Record(), reason


def test_a_record_is_what_status_gives_back() -> None:
    record = Record(good="a", target="b", key="k", since="2026-01-01T00:00:00Z").rejected(failure="f", now="n")
    assert Record.parse({key: value for key, value in record.dump().items() if value is not None}) == record
    assert record.goes_back
