"""The parents of a warm start."""

from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.engine.failures import WaitingError
from sagebridge.engine.parents import parents_of
from sagebridge.engine.store import Store

PARENT = {
    "metadata": {"uid": "u1", "namespace": "team", "name": "parent", "creationTimestamp": "2026-01-01T00:00:00Z"},
    "spec": {},
    "status": {
        "conditions": [{"type": "Complete", "status": "True"}],
        "hyperParameterTuningJobName": "team-parent-abc",
        "bestTrainingJob": {"trainingJobName": "x"},
    },
}
CHILD = Job.parse(
    {
        "metadata": {"uid": "u2", "namespace": "team", "name": "child", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"warmStartConfig": {"parentHyperParameterTuningJobs": [{"ref": {"name": "parent"}}]}},
    }
)


def test_a_parent_is_named_as_sagemaker_knows_it() -> None:
    store = Store()
    store.put("HPTuningJob", PARENT)
    [parent] = parents_of(store, CHILD)
    assert parent["hyperParameterTuningJobName"] == "team-parent-abc"


@pytest.mark.parametrize(
    ("parents", "told", "want"),
    [
        ([], "HPTuningJob parent, which is not there", Reason.WAITING_FOR_REFERENCE),
        ([PARENT | {"status": {}}], "HPTuningJob parent to end", Reason.REFERENCE_NOT_READY),
    ],
    ids=["not there", "searching"],
)
def test_a_parent_is_waited_for(parents: list[dict[str, Any]], told: str, want: Reason) -> None:
    store = Store()
    for parent in parents:
        store.put("HPTuningJob", parent)
    with pytest.raises(WaitingError, match=rf"parentHyperParameterTuningJobs\[0\]\.ref: waiting for {told}") as caught:
        parents_of(store, CHILD)
    assert caught.value.reason is want


@pytest.mark.parametrize(("parent", "child"), [("Cluster", "SageMaker"), ("SageMaker", "Cluster")])
def test_what_was_found_on_the_other_target_is_not_known_there(parent: str, child: str) -> None:
    store = Store()
    store.put("HPTuningJob", PARENT | {"spec": {"target": parent}})
    with pytest.raises(SpecError, match="another target"):
        parents_of(store, Job.parse({**CHILD.body, "spec": {**CHILD.spec, "target": child}}))


def test_on_the_cluster_a_parent_is_named_by_its_record() -> None:
    store = Store()
    store.put("HPTuningJob", PARENT | {"spec": {"target": "Cluster"}})
    [parent] = parents_of(store, Job.parse({**CHILD.body, "spec": {**CHILD.spec, "target": "Cluster"}}))
    assert parent["hyperParameterTuningJobName"] == "team-parent-abc"
