"""What a search on the cluster learns from is looked up by the objects of its namespace, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.cluster.names import kubernetes_name
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning.record import Record
from sagebridge.core.cluster.tuning.request import resolve
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.names import Owner
from sagebridge.core.placement import PlacementSettings
from sagebridge.kinds.hp_tuning_job import KIND
from sagebridge.kube.paths import CONFIG_MAPS, TUNING_JOBS
from sagebridge.targets.cluster.tuning_target import TuningTarget
from support.cluster_tuning import cluster_spec

from .searches import CREATED, OWNER, context, ended, limited, record_of, trial
from .test_early_stopper import Stopped
from .test_tuner import NOW

PARENT = Owner(cluster="c1", namespace="team", name="parent", uid="6f1b0c7e-0000-4000-8000-00000000000a")
NAME = "team-parent-abcdefghij"


WARM = {
    "warmStartType": "TransferLearning",
    "parentHyperParameterTuningJobs": [{"hyperParameterTuningJobName": NAME}],
}


def warm(**changes: Any) -> Record:
    return replace(record_of(cluster_spec(warmStartConfig=WARM)), **changes)


class Cluster(Stopped):
    """An API server with the objects of a namespace."""

    def target(self) -> TuningTarget:
        return TuningTarget(
            kind=KIND,
            objects=self.tuner._objects,
            view=self.view,
            tuner=self.tuner,
            early_stopper=self.stopper,
            placement=PlacementSettings(),
            stage=None,  # type: ignore[arg-type]
            now=lambda: NOW,
        )

    def put_record(self, record: Record) -> str:
        """Keep what was recorded of an attempt; its path."""
        body = records.manifest(record)
        body["metadata"] |= {"uid": "x", "creationTimestamp": CREATED}
        name = kubernetes_name(record.owner, record.attempt)
        path = CONFIG_MAPS.item(namespace="team", name=name)
        self.server.objects[path] = body
        return path

    def put_parent(self) -> list[str]:
        """A search that has ended with one trial; the paths of all that it consists of."""
        record = replace(limited(1, 1), owner=PARENT, name=NAME)
        job = {
            "kind": "HPTuningJob",
            "metadata": {"name": "parent", "namespace": "team", "uid": PARENT.uid, "creationTimestamp": CREATED},
            "spec": {},
            "status": {"attempts": [{"number": 1, "name": NAME, "arn": "a", "recordedAt": CREATED}]},
        }
        made = ended(trial(record, 1, tuned={"x": "0.25"}), value=0.5)
        named = {
            TUNING_JOBS.item(namespace="team", name="parent"): job,
            f"/apis/sagebridge.io/v1alpha1/namespaces/team/trainingjobs/{made['metadata']['name']}": made,
        }
        self.server.objects |= named
        return [self.put_record(record), *named]


@pytest.fixture
def cluster() -> Cluster:
    found = Cluster()
    found.server.objects.clear()
    return found


LEARNED = (({"x": "0.25"}, 0.5),)


async def test_trials_of_a_parent_are_found_by_its_name(cluster: Cluster) -> None:
    cluster.put_parent()
    assert (await cluster.target()._inherit(warm())).trials == LEARNED


async def test_a_further_attempt_goes_by_what_the_first_has_learned(cluster: Cluster) -> None:
    paths = cluster.put_parent()
    first = warm()
    cluster.put_record(replace(first, inherited=await cluster.target()._inherit(first)))
    for path in paths:
        del cluster.server.objects[path]
    assert (await cluster.target()._inherit(warm(attempt=2))).trials == LEARNED


async def test_what_was_recorded_before_a_crash_holds_though_the_parents_are_gone(cluster: Cluster) -> None:
    """The operator has ended after it has made the record, and before the object says so."""
    paths = cluster.put_parent()
    spec = resolve(cluster_spec(warmStartConfig=WARM), context())
    await cluster.target().submit(cluster.handle, spec, adopt=False)
    for path in paths:
        del cluster.server.objects[path]
    before = dict(cluster.server.objects)
    await cluster.target().submit(cluster.handle, spec, adopt=False)
    assert cluster.server.objects == before
    record = await cluster.tuner.seen(cluster.handle)
    assert record is not None
    assert record[0].inherited.trials == LEARNED


@pytest.mark.parametrize("gone", [0, 1])
async def test_a_parent_that_is_gone_is_told(cluster: Cluster, gone: int) -> None:
    """Its record, or itself."""
    del cluster.server.objects[cluster.put_parent()[gone]]
    with pytest.raises(SpecError, match=f"there is no tuning job {NAME}"):
        await cluster.target()._inherit(warm())


async def test_a_search_without_parents_asks_for_nothing(cluster: Cluster) -> None:
    cluster.put_parent()
    assert (await cluster.target()._inherit(replace(limited(4, 1), owner=OWNER))).trials == ()


@pytest.mark.parametrize(("is_partly_seen", "want"), [(False, 1), (True, 0)])
async def test_of_a_search_whose_trials_are_seen_in_part_nothing_is_due(*, is_partly_seen: bool, want: int) -> None:
    cluster = Cluster()
    job = Job.parse({"metadata": {"uid": OWNER.uid}, "spec": {}})

    await cluster.target().attend(cluster.handle, job, is_partly_seen=is_partly_seen)

    assert (len(cluster.tuner._due), len(cluster.stopper._due)) == (want, want)
