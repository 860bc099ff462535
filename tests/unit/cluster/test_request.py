"""From a spec with target: Cluster to the complete one."""

from typing import Any

import pytest
from sagebridge.core.cluster.request import resolve, with_processes
from sagebridge.core.errors import SpecError
from sagebridge.core.resolution import ResolveContext
from sagebridge.schema.convert import to_request
from support.training_jobs import CHANNEL, FILE_SYSTEM, OWN_IMAGE, SCRIPT, Spec, changed

IMAGE = {"cluster": {"image": "registry.example/pytorch:2.3"}}
SPOT = {
    "enableManagedSpotTraining": True,
    "stoppingCondition": {"maxRuntimeInSeconds": 600, "maxWaitTimeInSeconds": 3600},
}


def complete(spec: Spec, **context: Any) -> dict[str, Any]:
    given = {"job_name": "a-job", "region": "eu-west-1", "role_arn": "", "output_path": "s3://bucket/out"} | context
    return resolve(changed(spec, {"target": "Cluster"}), ResolveContext(**given))


def test_there_is_no_role() -> None:
    assert "roleArn" not in complete(OWN_IMAGE)


def test_the_image_of_the_cluster_stands_in_for_sagemakers() -> None:
    specification = complete(changed(SCRIPT, IMAGE))["algorithmSpecification"]

    assert specification["trainingImage"] == "registry.example/pytorch:2.3"


@pytest.mark.parametrize(
    ("spec", "launch"),
    [
        (SCRIPT, "image"),
        (changed(SCRIPT, IMAGE), "script"),
        (changed(SCRIPT, IMAGE, {"framework": {"distribution": "torchrun"}}), "script"),
        (changed(SCRIPT, IMAGE, {"framework": {"distribution": "mpi"}}), "image"),
        (changed(OWN_IMAGE, IMAGE), "image"),
    ],
    ids=[
        "the framework's image has a toolkit",
        "another may have none",
        "torchrun",
        "MPI is the toolkit's",
        "own image",
    ],
)
def test_how_training_is_started(spec: Spec, launch: str) -> None:
    given = changed(spec, {"resourceConfig": {"instanceType": "ml.g5.12xlarge"}})

    assert complete(given)["cluster"]["launch"] == launch


def test_secrets_stay_references_and_other_variables_are_read() -> None:
    sources = [{"secretRef": {"name": "token"}}, {"configMapRef": {"name": "settings"}}]
    made = complete(changed(OWN_IMAGE, {"environmentFrom": sources}), environment={"MODE": "fast"})

    assert made["environment"] == {"MODE": "fast"}
    assert made["cluster"]["secrets"] == [{"secretRef": {"name": "token"}}]


def test_a_file_system_needs_no_vpc() -> None:
    [channel] = complete(changed(OWN_IMAGE, {"inputDataConfig": [FILE_SYSTEM]}))["inputDataConfig"]

    assert channel["dataSource"] == FILE_SYSTEM["dataSource"]


@pytest.mark.parametrize(
    ("waited", "left"),
    [(0.0, 3600), (600.5, 2999), (3599.9, 1), (9999.0, 1)],
    ids=["the first attempt has all", "a later one what is left", "nearly nothing", "nothing, which ends it at once"],
)
def test_all_attempts_together_may_wait_so_long(waited: float, left: int) -> None:
    made = complete(changed(OWN_IMAGE, SPOT), waited_seconds=waited)

    assert made["stoppingCondition"]["maxWaitTimeInSeconds"] == left


def test_what_the_cluster_can_not_do_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        complete(changed(OWN_IMAGE, {"inputDataConfig": [CHANNEL | {"inputMode": "Pipe"}]}))

    assert caught.value.field == "spec.inputDataConfig[0].inputMode"


MPI = changed(SCRIPT, {"framework": {"distribution": "mpi"}, "resourceConfig": {"instanceType": "ml.g5.12xlarge"}})
TRAINIUM = {"framework": {"version": "1.11"}, "resourceConfig": {"instanceType": "ml.trn1.32xlarge"}}
PROCESSES = "sagemaker_mpi_num_of_processes_per_host"


@pytest.mark.parametrize(
    ("spec", "processes"),
    [
        (MPI, "2"),
        (changed(MPI, {"hyperParameters": {PROCESSES: 3}}), "3"),
        (changed(MPI, TRAINIUM), "2"),
    ],
    ids=["as many as the pod has GPUs, not its type", "the manifest's own number", "also of what has no GPUs"],
)
def test_mpi_starts_as_many_processes_as_a_pod_has_accelerators(spec: Spec, processes: str) -> None:
    made = complete(spec)
    cluster = made.pop("cluster")

    request = with_processes(to_request("CreateTrainingJob", made), cluster, count=2)

    assert request["HyperParameters"][PROCESSES] == processes


def test_without_mpi_nothing_is_counted() -> None:
    made = complete(SCRIPT)
    cluster = made.pop("cluster")
    request = to_request("CreateTrainingJob", made)

    assert with_processes(request, cluster, count=2) == request
