"""Tuning jobs whose trials are TrainingJobs of the cluster. No pod runs: tests say what trials log and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sagebridge.core.search.hyperband import Hyperband
from support.cluster_tuning import Trials, cluster_spec, tuned
from support.jobs import attempts, ready
from support.kubelet import Kubelet
from support.kubelet_logs import PodLogs, pod_logs
from support.tuning_jobs import METRIC, definition

from .world import World


@pytest.fixture
def trials(world: World) -> Trials:
    return Trials(world.cluster.client, world.namespace)


@pytest.fixture
def logs(world: World, tmp_path: Path) -> Iterator[PodLogs]:
    with pod_logs(world.cluster.client, tmp_path) as found:
        yield found


def trial_of(pod: Any) -> str:
    """The trial that a pod trains for."""
    return str(pod.metadata.labels["batch.kubernetes.io/job-name"])


def annotation(trial: dict[str, Any], name: str) -> Any:
    return json.loads(trial["metadata"]["annotations"].get(f"sagebridge.io/{name}") or "null")


def series(trial: dict[str, Any]) -> Any:
    return (annotation(trial, "objective-series") or {}).get("values")


def pod_of(kubelet: Kubelet, trial: dict[str, Any]) -> Any:
    """The pod of a trial's only attempt."""
    job = trial["status"]["attempts"][-1]["arn"].rpartition("/")[2]
    [pod] = [pod for pod in kubelet.all_pods() if trial_of(pod) == job]
    return pod


def score(trial: dict[str, Any]) -> float:
    return float(tuned(trial)["x"])


def by_number(trials: Trials) -> dict[int, dict[str, str]]:
    return {int(trial["metadata"]["labels"]["sagebridge.io/trial"]): tuned(trial) for trial in trials.list()}


def test_a_search_from_its_first_trial_to_its_best(world: World, trials: Trials) -> None:
    tuning = trials.tuning.create("tune", cluster_spec())
    first, second = trials.wait_running(1, 2)
    assert first["metadata"]["ownerReferences"][0]["uid"] == tuning["metadata"]["uid"]
    assert first["metadata"]["labels"]["sagebridge.io/tuning-job"] == "tune"
    assert first["spec"]["target"] == "Cluster"
    assert first["spec"]["hyperParameters"]["epochs"] == "3"
    assert first["spec"]["hyperParameters"]["x"] == tuned(first)["x"] != tuned(second)["x"]
    assert first["status"]["trainingJobName"] == first["metadata"]["name"]

    trials.complete(first, score(first))
    trials.wait_running(2, 3)
    for number in ((2, 3), (3, 4), (4,)):
        running = trials.wait_running(*number)
        trials.complete(running[0], score(running[0]))
    done = trials.tuning.wait_reason("tune", "Completed")["status"]

    best = max(trials.list(), key=score)
    assert done["hyperParameterTuningJobStatus"] == "Completed"
    assert done["trainingJobStatusCounters"]["completed"] == 4
    assert done["objectiveStatusCounters"] == {"succeeded": 4, "pending": 0, "failed": 0}
    assert done["bestTrainingJob"]["trainingJobName"] == best["metadata"]["name"]
    assert done["best"]["objectiveValue"] == score(best)
    assert done["best"]["staticHyperParameters"] == {"epochs": "3"}
    assert [one["objectiveValue"] for one in done["bestTrials"]] == sorted(map(score, trials.list()), reverse=True)
    assert done["modelArtifacts"] == {"s3ModelArtifacts": f"s3://bucket/{best['metadata']['name']}/model.tar.gz"}
    assert len(trials.list()) == 4
    assert world.made() == []


def test_a_trial_that_fails_does_not_fail_the_search(world: World, trials: Trials) -> None:
    trials.tuning.create(
        "tune", cluster_spec(config={"resourceLimits": {"maxNumberOfTrainingJobs": 2, "maxParallelTrainingJobs": 1}})
    )
    [first] = trials.wait_running(1)
    trials.fail(first, "AlgorithmError: ExecuteUserScriptError")
    [second] = trials.wait_running(2)
    trials.complete(second, 0.5)
    done = trials.tuning.wait_reason("tune", "Completed")["status"]
    assert done["trainingJobStatusCounters"]["nonRetryableError"] == 1
    assert done["best"]["trainingJobName"] == second["metadata"]["name"]


def test_a_search_without_any_value_fails(world: World, trials: Trials) -> None:
    limits = {"maxNumberOfTrainingJobs": 2, "maxParallelTrainingJobs": 2}
    trials.tuning.create("tune", cluster_spec(config={"resourceLimits": limits}))
    for trial in trials.wait_running(1, 2):
        trials.fail(trial, "ClientError: x")
    failed = trials.tuning.wait_reason("tune", "JobFailed")
    assert failed["status"]["failureReason"].startswith("No training job succeeded after 2 attempts")


def test_a_search_goes_on_where_a_killed_operator_left_it(alone: Callable[..., World]) -> None:
    world = alone()
    trials = Trials(world.cluster.client, world.namespace)
    limits = {"maxNumberOfTrainingJobs": 5, "maxParallelTrainingJobs": 2}
    trials.tuning.create("tune", cluster_spec(config={"resourceLimits": limits}))
    first, second = trials.wait_running(1, 2)
    drawn = by_number(trials)
    world.operator.kill()
    trials.complete(first, score(first))
    trials.complete(second, score(second))
    world.operator.ensure()
    third, fourth = trials.wait_running(3, 4)
    assert {number: tuned for number, tuned in by_number(trials).items() if number < 3} == drawn
    world.operator.kill()
    trials.complete(third, score(third))
    world.operator.ensure()
    [fifth] = [trial for trial in trials.wait_running(4, 5) if trial["metadata"]["name"] != fourth["metadata"]["name"]]
    trials.complete(fourth, score(fourth))
    trials.complete(fifth, score(fifth))
    done = trials.tuning.wait_reason("tune", "Completed")
    assert done["status"]["trainingJobStatusCounters"]["completed"] == 5
    assert sorted(by_number(trials)) == [1, 2, 3, 4, 5]
    assert len({tuple(one.values()) for one in by_number(trials).values()}) == 5


def test_a_search_that_has_found_enough_stops_its_trials(world: World, trials: Trials) -> None:
    trials.tuning.create(
        "tune", cluster_spec(config={"tuningJobCompletionCriteria": {"targetObjectiveMetricValue": 0.4}})
    )
    first, second = trials.wait_running(1, 2)
    trials.complete(first, 0.45)
    done = trials.tuning.wait_reason("tune", "Completed")["status"]
    stopped = trials.jobs.wait_reason(second["metadata"]["name"], "Suspended")
    assert stopped["spec"]["runPolicy"]["suspend"] is True
    assert done["trainingJobStatusCounters"]["stopped"] == 1
    assert len(trials.list()) == 2


def test_suspending_stops_the_trials_and_resuming_searches_anew(world: World, trials: Trials) -> None:
    trials.tuning.create("tune", cluster_spec())
    first, second = trials.wait_running(1, 2)
    trials.tuning.patch("tune", {"spec": {"runPolicy": {"suspend": True}}})
    trials.tuning.wait_reason("tune", "Suspended")
    for trial in (first, second):
        trials.jobs.wait_reason(trial["metadata"]["name"], "Suspended")
    trials.tuning.patch("tune", {"spec": {"runPolicy": {"suspend": False}}})
    found = trials.wait(lambda some: len(some) == 4, what="searched anew")
    assert {trial["metadata"]["labels"]["sagebridge.io/attempt"] for trial in found} == {"1", "2"}
    assert [entry.get("stopRequested") for entry in attempts(trials.tuning.get("tune"))] == ["Suspended", None]


def test_purging_takes_the_trials_along(world: World, trials: Trials) -> None:
    trials.tuning.create("tune", cluster_spec(runPolicy={"deletionPolicy": "Purge"}))
    running = trials.wait_running(1, 2)
    assert {trial["spec"]["runPolicy"]["deletionPolicy"] for trial in running} == {"Purge"}
    trials.tuning.delete("tune")
    trials.tuning.wait_gone("tune")
    for trial in running:
        trials.jobs.wait_gone(trial["metadata"]["name"])
    # Those of the trials go with their Jobs, whenever Kubernetes collects them.
    core = world.cluster.core
    world.eventually(
        lambda: not [one for one in core.list_namespaced_config_map(world.namespace).items if one.metadata.labels],
        "no ConfigMaps",
    )


def test_a_changed_deletion_policy_reaches_the_trials(world: World, trials: Trials) -> None:
    trials.tuning.create("tune", cluster_spec())
    trials.wait_running(1, 2)
    trials.tuning.patch("tune", {"spec": {"runPolicy": {"deletionPolicy": "Retain"}}})
    trials.wait(
        lambda some: all(trial["spec"]["runPolicy"]["deletionPolicy"] == "Retain" for trial in some), what="told"
    )


def test_what_keeps_all_trials_waiting_is_said_of_the_search(world: World, trials: Trials) -> None:
    """No PersistentVolumeClaim stands for their file system: the trials are made, and can't run."""
    wrong = cluster_spec()
    source = {
        "fileSystemId": "fs-0123456789abcdef0",
        "fileSystemType": "FSxLustre",
        "directoryPath": "/d",
        "fileSystemAccessMode": "ro",
    }
    channel = {"channelName": "train", "dataSource": {"fileSystemDataSource": source}}
    wrong["trainingJobDefinition"]["inputDataConfig"] = [channel]
    trials.tuning.create("tune", wrong)
    told = ready(trials.tuning.wait_reason("tune", "InvalidSpec"))["message"]
    assert told.startswith("tune-001-")
    assert "no PersistentVolumeClaim" in told


def test_a_trial_that_was_deleted_is_not_made_again(world: World, trials: Trials) -> None:
    limits = {"maxNumberOfTrainingJobs": 3, "maxParallelTrainingJobs": 2}
    trials.tuning.create("tune", cluster_spec(config={"resourceLimits": limits}))
    first, second = trials.wait_running(1, 2)
    trials.jobs.delete(first["metadata"]["name"])
    _, third = trials.wait_running(2, 3)
    for trial in (second, third):
        trials.complete(trial, score(trial))
    done = trials.tuning.wait_reason("tune", "Completed")["status"]
    assert done["trainingJobStatusCounters"]["completed"] == 2
    assert sorted(by_number(trials)) == [2, 3]


def test_several_definitions_take_turns(world: World, trials: Trials) -> None:
    own = {
        "tuningObjective": {"type": "Maximize", "metricName": METRIC},
        "hyperParameterRanges": {"integerParameterRanges": [{"name": "x", "minValue": 1, "maxValue": 99}]},
        "outputDataConfig": {"s3OutputPath": "s3://bucket/tune"},
    }
    fields = cluster_spec(
        config={"hyperParameterTuningJobObjective": None, "parameterRanges": None},
        trainingJobDefinition=None,
        trainingJobDefinitions=[definition(definitionName=name, **own) for name in ("a", "b")],
    )
    trials.tuning.create("tune", fields)
    first, second = trials.wait_running(1, 2)
    trials.complete(first, 0.1)
    trials.complete(second, 0.2)
    told = trials.tuning.wait("tune", lambda job: job["status"].get("best", {}).get("objectiveValue") == 0.2)
    assert [one["trainingJobDefinitionName"] for one in told["status"]["bestTrials"]] == ["b", "a"]


@pytest.mark.parametrize("strategy", ["Random", "Grid"])
def test_the_other_strategies(world: World, trials: Trials, strategy: str) -> None:
    ranges = {"categoricalParameterRanges": [{"name": "x", "values": [1, 2, 3]}]}
    config = {"strategy": strategy, "parameterRanges": ranges, "randomSeed": 3}
    limits = {"maxNumberOfTrainingJobs": 3, "maxParallelTrainingJobs": 3}
    trials.tuning.create("tune", cluster_spec(config=config | {"resourceLimits": limits}))
    for trial in trials.wait_running(1, 2, 3):
        trials.complete(trial, score(trial))
    trials.tuning.wait_reason("tune", "Completed")
    assert {tuned(trial)["x"] for trial in trials.list()} == {"1", "2", "3"}


def test_a_grid_that_is_not_counted_right_is_refused(world: World, trials: Trials) -> None:
    ranges = {"categoricalParameterRanges": [{"name": "x", "values": [1, 2, 3]}]}
    trials.tuning.create("tune", cluster_spec(config={"strategy": "Grid", "parameterRanges": ranges}))
    assert "combinations of the grid, 3" in ready(trials.tuning.wait_reason("tune", "InvalidSpec"))["message"]
    assert trials.list() == []


EARLY = {
    "strategy": "Random",
    "trainingJobEarlyStoppingType": "Auto",
    "resourceLimits": {"maxNumberOfTrainingJobs": 4, "maxParallelTrainingJobs": 4},
}


def begin(trials: Trials, kubelet: Kubelet, *numbers: int) -> list[Any]:
    """Let the pods of these trials train."""
    running = trials.wait_running(*numbers)
    kubelet.pods(len(numbers))
    pods = [pod_of(kubelet, trial) for trial in running]
    for pod in pods:
        kubelet.place(pod)
        kubelet.train(pod)
    return pods


def test_a_trial_that_falls_behind_is_stopped_whichever_operator_has_read_its_log(
    world: World, trials: Trials, kubelet: Kubelet, logs: PodLogs
) -> None:
    trials.tuning.create("tune", cluster_spec(config=EARLY))
    first, second, third, fourth = begin(trials, kubelet, 1, 2, 3, 4)
    for pod in (first, second):
        logs.print(pod, "score=0.7", "score=0.8", "score=0.9")
    logs.print(third, "epoch 1", "score=0.6")
    logs.print(fourth, "score=0.75")
    trials.wait(
        lambda some: [series(one) for one in some] == [[0.7, 0.8, 0.9]] * 2 + [[0.6], [0.75]], what="what was logged"
    )
    world.operator.kill()
    asked = {name: len(queries) for name, queries in logs.asked.items()}
    for pod in (first, second):
        kubelet.end(pod, said={"stopped": "", "model": "s3://bucket/model.tar.gz"})
    logs.print(third, "score=0.1")
    logs.print(fourth, "score=0.95")
    world.operator.ensure()

    stopped = trials.wait(lambda some: some[2]["spec"]["runPolicy"].get("suspend") is True, what="stopped early")[2]
    said = annotation(stopped, "stopped-early")
    assert (said["by"], said["step"], said["value"]) == ("MedianRule", 2, 0.1)
    world.eventually(
        lambda: (kubelet.read(third).metadata.annotations or {}).get("sagebridge.io/stop") == "Stopped", "told to stop"
    )
    later = logs.asked[third.metadata.name][asked[third.metadata.name]]
    assert "sinceTime" in later
    assert later["limitBytes"]
    kubelet.end(third, code=143, said={"stopped": "Stopped"})
    kubelet.end(fourth, said={"stopped": "", "model": "s3://bucket/model.tar.gz"})
    done = trials.tuning.wait_reason("tune", "Completed")["status"]
    assert done["trainingJobStatusCounters"]["stopped"] == 1
    assert done["trainingJobStatusCounters"]["completed"] == 3
    assert done["objectiveStatusCounters"] == {"succeeded": 4, "pending": 0, "failed": 0}
    assert done["best"]["objectiveValue"] == 0.95
    assert done["bestTrials"][-1]["objectiveValue"] == 0.1
    assert done["bestTrials"][-1]["trainingJobStatus"] == "Stopped"


def test_hyperband_stops_whoever_is_not_among_the_best(
    world: World, trials: Trials, kubelet: Kubelet, logs: PodLogs
) -> None:
    limits = {"maxNumberOfTrainingJobs": 6, "maxParallelTrainingJobs": 6}
    bands = {"hyperbandStrategyConfig": {"minResource": 1, "maxResource": 9}}
    config = {"strategy": "Hyperband", "strategyConfig": bands, "resourceLimits": limits}
    trials.tuning.create("tune", cluster_spec(config=config))
    pods = begin(trials, kubelet, *range(1, 7))
    bracket = Hyperband(least=1, most=9).bracket
    first = [number for number in range(1, 7) if bracket(number) == 0]
    for number, pod in enumerate(pods, 1):
        logs.print(pod, f"score={0.9 - number / 100}")
    found = trials.wait(
        lambda some: sum(bool(annotation(one, "stopped-early")) for one in some) == len(first) - 1, what="sorted out"
    )
    assert [annotation(found[number - 1], "hyperband-rungs") for number in first] == [1] + [None] * (len(first) - 1)
    assert {annotation(found[number - 1], "stopped-early")["by"] for number in first[1:]} == {"Hyperband"}


def test_hyperband_without_an_end_is_refused(world: World, trials: Trials) -> None:
    wrong = cluster_spec(config={"strategy": "Hyperband"})
    wrong["trainingJobDefinition"]["staticHyperParameters"] = {"steps": 3}
    trials.tuning.create("tune", wrong)
    assert "MaxResource must be given" in ready(trials.tuning.wait_reason("tune", "InvalidSpec"))["message"]
    assert trials.list() == []


WARM = {"parentHyperParameterTuningJobs": [{"ref": {"name": "tune"}}], "warmStartType": "IdenticalDataAndAlgorithm"}
TWO = {"maxNumberOfTrainingJobs": 2, "maxParallelTrainingJobs": 2}


def test_a_search_learns_from_one_that_is_deleted_then(world: World, trials: Trials) -> None:
    trials.tuning.create("tune", cluster_spec(config={"resourceLimits": TWO}))
    for trial, value in zip(trials.wait_running(1, 2), (0.2, 0.9), strict=True):
        trials.complete(trial, value)
    trials.tuning.create("again", cluster_spec(config={"resourceLimits": TWO}, warmStartConfig=WARM))
    parent = trials.tuning.wait_reason("tune", "Completed")["status"]
    world.eventually(lambda: len(trials.list()) == 4, "the trials of the second search")
    trials.tuning.delete("tune")
    trials.tuning.wait_gone("tune")
    world.eventually(lambda: len(trials.list()) == 2, "only the second search's trials")
    for trial in trials.wait_running(1, 2, name="again"):
        trials.complete(trial, 0.5)
    done = trials.tuning.wait_reason("again", "Completed")["status"]
    assert done["bestTrainingJob"]["finalHyperParameterTuningJobObjectiveMetric"]["value"] == 0.5
    overall = done["overallBestTrainingJob"]
    assert overall["trainingJobName"] == parent["bestTrainingJob"]["trainingJobName"]
    assert overall["tuningJobName"] == parent["hyperParameterTuningJobName"]
    assert done["parents"][0]["name"] == "tune"


def test_a_parent_that_is_not_there_is_told(world: World, trials: Trials) -> None:
    named = {"parentHyperParameterTuningJobs": [{"hyperParameterTuningJobName": "none"}]}
    trials.tuning.create("tune", cluster_spec(warmStartConfig=WARM | named))
    told = ready(trials.tuning.wait_reason("tune", "InvalidSpec"))["message"]
    assert "there is no tuning job none in this namespace" in told


def test_mpi_starts_as_many_processes_as_a_trial_s_pods_have_accelerators(world: World, trials: Trials) -> None:
    """The instance type has four GPUs, and the pods ask for two."""
    limited = cluster_spec(cluster={"image": "own:1", "gpu": {"count": 2}})
    limited["trainingJobDefinition"] |= {
        "framework": {"name": "pytorch", "version": "2.3", "distribution": "mpi"},
        "source": {"entryPoint": "train.py", "s3Uri": "s3://bucket/code.tar.gz"},
        "resourceConfig": {"instanceType": "ml.g5.12xlarge"},
    }
    limited["trainingJobDefinition"]["algorithmSpecification"].pop("trainingImage")
    trials.tuning.create("tune", limited)
    for trial in trials.wait_running(1, 2):
        assert trial["spec"]["hyperParameters"]["sagemaker_mpi_num_of_processes_per_host"] == "2"
