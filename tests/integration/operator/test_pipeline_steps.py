"""Jobs of pipelines' steps whose pods are gone, with a real API server: stopped after a short grace, and gone on with.

Nobody runs pods here: one that is there waits for a node, and counts as one that runs.
"""

from __future__ import annotations

import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import batch_transforms, cluster_tuning, endpoints, processing_jobs, tuning_jobs
from support.jobs import Job, Jobs, attempts, ready, spec, statuses
from support.processes import Spawns
from support.steps import Task, grant

from .conftest import PATIENT
from .pairs import own_world
from .world import Cluster, World

GRACE = {"SAGEBRIDGE_PIPELINE_STEP_GRACE_SECONDS": "2"}
NODE = "digits-abc12.root.train.executor"
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "train": ("TrainingJob", "trainingjobs", spec()),
    "train-here": ("TrainingJob", "trainingjobs", spec(target="Cluster")),
    "split": ("ProcessingJob", "processingjobs", processing_jobs.spec()),
    "split-here": ("ProcessingJob", "processingjobs", processing_jobs.spec(target="Cluster")),
    "predict": ("BatchTransform", "batchtransforms", batch_transforms.transform_spec()),
    "predict-here": ("BatchTransform", "batchtransforms", batch_transforms.transform_spec(target="Cluster")),
    "tune": ("HPTuningJob", "hptuningjobs", tuning_jobs.spec()),
    "tune-here": ("HPTuningJob", "hptuningjobs", cluster_tuning.cluster_spec()),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, shared_cluster: Cluster, spawns: Spawns) -> Iterator[World]:
    """A namespace with a local SageMaker and an operator of its own, which is impatient with steps."""
    directory = tmp_path_factory.mktemp("pipelines")
    with own_world(directory, cluster=shared_cluster, spawns=spawns, environment=PATIENT | GRACE) as world:
        yield world


@pytest.fixture
def lone(shared: World) -> Iterator[World]:
    """The same, with jobs that run on unless they are stopped."""
    shared.script(seconds=600, stop_seconds=0)
    yield shared
    shared.aws.clear_faults()
    shared.delete_all()
    shared.eventually(lambda: not any(jobs(shared, name).list() for name in KINDS), "all are gone")
    for pod in shared.cluster.core.list_namespaced_pod(shared.namespace).items:
        if "pipeline/runid" in (pod.metadata.labels or {}):
            remove(shared, pod)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of a pipeline, whose step of a name makes an object of that name."""

    world: World
    id: str

    def pod(self, step: str = "train", number: int = 0) -> Any:
        """A pod of a step, as Kubeflow Pipelines makes it."""
        metadata = {
            "name": f"{self.id}-{step}-{number}",
            "labels": {"pipeline/runid": self.id},
            "annotations": {"workflows.argoproj.io/node-name": f"{NODE}.{step}({number})"},
        }
        containers = [{"name": "main", "image": "registry.example/steps:1"}]
        body = {"metadata": metadata, "spec": {"restartPolicy": "Never", "containers": containers}}
        return self.world.cluster.core.create_namespaced_pod(self.world.namespace, body)

    def marks(self, pod: Any, step: str = "train", **noted: str) -> dict[str, Any]:
        """The metadata that a step gives to what it makes."""
        told = {"pipeline-task": f"{NODE}.{step}", "step-pod": f"{pod.metadata.name}/{pod.metadata.uid}", **noted}
        labels = {"sagebridge.io/pipeline-run": self.id, "sagebridge.io/pipeline-step": "abcdefghij"}
        return {"labels": labels, "annotations": {f"sagebridge.io/{key}": value for key, value in told.items()}}


@pytest.fixture
def run(lone: World) -> Run:
    return Run(world=lone, id=f"run-{secrets.token_hex(4)}")


def jobs(world: World, name: str) -> Jobs:
    kind, plural, _ = KINDS[name]
    return Jobs(world.cluster.client, world.namespace, kind=kind, plural=plural)


def remove(world: World, pod: Any) -> None:
    world.cluster.core.delete_namespaced_pod(pod.metadata.name, world.namespace, grace_period_seconds=0)


def attend(run: Run, name: str, pod: Any) -> None:
    """What a successor notes."""
    found = jobs(run.world, name) if name in KINDS else run.world.jobs
    found.annotate(name, step_pod=f"{pod.metadata.name}/{pod.metadata.uid}")


def has_submitted(number: int) -> Callable[[Job], bool]:
    return lambda job: len(attempts(job)) == number and bool(attempts(job)[-1].get("arn"))


def test_what_no_pod_attends_is_stopped_and_goes_on_with_a_successor(run: Run) -> None:
    """All kinds alike, and the cluster (those that are called here) as SageMaker."""
    pods = {name: run.pod(name) for name in KINDS}
    for name, (_, _, fields) in KINDS.items():
        jobs(run.world, name).create(name, fields, **run.marks(pods[name], name))
    for name in KINDS:
        jobs(run.world, name).wait(name, has_submitted(1), what="submitted")
        remove(run.world, pods[name])
    for name in KINDS:
        stopped = jobs(run.world, name).wait_reason(name, "PipelineStepGone")
        assert statuses(stopped) == {"Ready": "False", "Suspended": "True"}
        assert [entry["stopRequested"] for entry in attempts(stopped)] == ["PipelineStepGone"]
        assert stopped["metadata"]["generation"] == 1, "spec is its user's"
        for words in (pods[name].metadata.name, run.id, f"{NODE}.{name}"):
            assert words in ready(stopped)["message"]
    for name in KINDS:
        attend(run, name, run.pod(name, 1))
    for name in KINDS:
        again = jobs(run.world, name).wait(name, has_submitted(2), what="submitted again")
        assert "stepGone" not in again["status"]


def test_what_need_not_be_attended_is_left(run: Run) -> None:
    """Each was made before one that is stopped in the end, so none had less time."""
    gone, waiting = run.pod("gone"), run.pod("waiting")
    successor = run.pod("successor", 1)
    remove(run.world, gone)
    left = {
        "done": run.marks(gone, "done", **{"step-done": "true"}),
        "attended": run.marks(waiting, "waiting"),
        "succeeded": run.marks(gone, "successor"),
        "by-hand": {},
    }
    for name, metadata in left.items():
        run.world.jobs.create(name, **metadata)
    for name in left:
        run.world.jobs.wait_reason(name, "InProgress")
    run.world.jobs.create("abandoned", **run.marks(gone, "abandoned"))
    run.world.jobs.wait_reason("abandoned", "PipelineStepGone")
    for name in left:
        job = run.world.jobs.get(name)
        assert job is not None
        assert (ready(job)["reason"], len(attempts(job))) == ("InProgress", 1), name
    assert successor.metadata.uid


def test_a_pod_that_has_ended_is_gone_too(run: Run) -> None:
    pod = run.pod()
    run.world.jobs.create("digits", **run.marks(pod))
    run.world.jobs.wait_reason("digits", "InProgress")
    run.world.cluster.core.patch_namespaced_pod_status(
        pod.metadata.name, run.world.namespace, {"status": {"phase": "Failed", "reason": "Evicted"}}
    )
    run.world.jobs.wait_reason("digits", "PipelineStepGone")


def test_the_operator_is_restarted_meanwhile(run: Run) -> None:
    pod = run.pod()
    run.world.jobs.create("restarted", **run.marks(pod))
    run.world.jobs.wait_reason("restarted", "InProgress")
    run.world.operator.kill()
    remove(run.world, pod)
    run.world.operator.ensure()
    run.world.jobs.wait_reason("restarted", "PipelineStepGone")
    run.world.operator.kill()
    run.world.operator.ensure()
    run.world.jobs.create("other")
    run.world.jobs.wait_reason("other", "InProgress")
    job = run.world.jobs.get("restarted")
    assert job is not None
    assert (ready(job)["reason"], len(attempts(job))) == ("PipelineStepGone", 1)
    assert [made["status"] for made in run.world.made() if "-restarted-" in made["name"]] == ["Stopped"]


def test_without_the_mark_it_goes_on_by_itself(run: Run) -> None:
    """As the message says."""
    pod = run.pod()
    remove(run.world, pod)
    run.world.jobs.create("digits", **run.marks(pod))
    run.world.jobs.wait_reason("digits", "PipelineStepGone")
    run.world.jobs.annotate("digits", step_pod=None)
    run.world.jobs.wait("digits", has_submitted(2), what="submitted again")


def test_what_aws_did_not_stop_goes_on_with_a_successor_and_its_end_is_its_own(run: Run) -> None:
    world, pod = run.world, run.pod()
    world.fault("access-denied", "StopTrainingJob")
    world.jobs.create("unstopped", **run.marks(pod))
    name = world.jobs.wait("unstopped", has_submitted(1), what="submitted")["status"]["trainingJobName"]
    remove(world, pod)
    refused = world.jobs.wait_reason("unstopped", "AccessDenied")
    assert [entry.get("stopRequested") for entry in attempts(refused)] == ["PipelineStepGone"]

    attend(run, "unstopped", run.pod(number=1))
    goes_on = world.jobs.wait_reason("unstopped", "InProgress")
    assert [entry.get("stopRequested") for entry in attempts(goes_on)] == [None]

    world.aws.clear_faults()
    world.simulator.client("sagemaker").stop_training_job(TrainingJobName=name)
    stopped = world.jobs.wait_reason("unstopped", "JobStopped")
    assert [entry["status"] for entry in attempts(stopped)] == ["Stopped"], "nobody has it run again"


def test_an_endpoint_is_told_about_and_left(run: Run) -> None:
    pod, world = run.pod(), run.world
    remove(world, pod)
    made = Jobs(world.cluster.client, world.namespace, kind=endpoints.KIND, plural=endpoints.PLURAL)
    world.aws.endpoint_outcome(f"{world.namespace}*", seconds=0, delete_seconds=0)
    made.create("serve", endpoints.spec(), **run.marks(pod))
    assert "left as it is" in made.wait_event("serve", "PipelineStepGone")
    made.wait_reason("serve", "InService")
    made.delete("serve")
    made.wait_gone("serve")


def test_a_real_step_goes_on_with_what_was_stopped(run: Run, tmp_path: Path) -> None:
    cluster = run.world.cluster
    kubeconfig = grant(cluster.client, run.world.namespace, kubeconfig=cluster.control_plane.kubeconfig, into=tmp_path)
    task = Task(directory=tmp_path / "task", kubeconfig=kubeconfig, run=run.id, node=f"{NODE}.train")
    pod, first = run.pod(), task.start(spec=spec())
    first.wait_for("InProgress")
    first.signal(signal.SIGKILL)
    first.end()
    remove(run.world, pod)
    [body] = run.world.jobs.list()
    name = body["metadata"]["name"]
    run.world.jobs.wait_reason(name, "PipelineStepGone")
    run.world.script(seconds=1)
    run.pod(number=1)
    body = task.start(1, spec=spec()).result()["body"]
    assert [entry["status"] for entry in attempts(body)] == ["Stopped", "Completed"]
