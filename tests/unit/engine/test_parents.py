"""The parents of a warm start."""

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
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
