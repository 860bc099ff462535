"""HPTuningJobs: their life, results, references, failures and deletion, with a real API server."""

from __future__ import annotations

from typing import Any

import kubernetes
import pytest
from support.jobs import IMAGE, attempts, ready, statuses
from support.jobs import spec as training_spec
from support.tuning_jobs import METRIC, TuningJobs, definition, spec

from .world import World

CREATE = "CreateHyperParameterTuningJob"
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}


@pytest.fixture
def tuning(world: World) -> TuningJobs:
    world.script(seconds=2, metrics={METRIC: "x"})
    return TuningJobs(world.cluster.client, world.namespace)


def made_tuning(world: World) -> list[dict[str, Any]]:
    return [job for job in world.made() if ":hyper-parameter-tuning-job/" in job["arn"]]


def made_trials(world: World) -> list[dict[str, Any]]:
    return [job for job in world.made() if ":training-job/" in job["arn"]]


def test_a_search_completes_and_shows_what_it_found(world: World, tuning: TuningJobs) -> None:
    tuning.make()
    running = tuning.wait_reason("tune", "InProgress")
    assert statuses(running) == {"Ready": "False", "Reconciling": "True"}
    done = tuning.wait_reason("tune", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    status = done["status"]
    [made] = made_tuning(world)
    assert status["hyperParameterTuningJobName"] == made["name"]
    assert len(made["name"]) <= 32
    assert status["hyperParameterTuningJobStatus"] == "Completed"
    assert status["trainingJobStatusCounters"]["completed"] == 4
    assert status["objectiveStatusCounters"]["succeeded"] == 4
    trials = status["bestTrials"]
    assert len(trials) == 4
    values = [trial["objectiveValue"] for trial in trials]
    assert values == sorted(values, reverse=True)
    best = status["best"]
    assert best["objectiveValue"] == values[0]
    assert best["metricName"] == METRIC
    assert float(best["tunedHyperParameters"]["x"]) == values[0]
    assert best["staticHyperParameters"] == {"epochs": "3"}
    assert status["bestTrainingJob"]["trainingJobName"] == best["trainingJobName"]
    assert status["modelArtifacts"]["s3ModelArtifacts"].endswith(f"/{best['trainingJobName']}/output/model.tar.gz")
    assert status["logs"]["streamPrefix"] == f"{made['name']}-"
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]
    assert status["duration"]
    assert {job["tags"]["sagebridge.io/name"] for job in made_trials(world)} == {"tune"}


def test_the_ten_best_of_many_are_shown(world: World, tuning: TuningJobs) -> None:
    world.script(seconds=0.2, metrics={METRIC: "x"})
    tuning.make(config={"resourceLimits": {"maxNumberOfTrainingJobs": 13, "maxParallelTrainingJobs": 5}})
    status = tuning.wait_reason("tune", "Completed")["status"]
    assert status["trainingJobStatusCounters"]["completed"] == 13
    found = sorted((float(job["request"]["HyperParameters"]["x"]) for job in made_trials(world)), reverse=True)
    assert [trial["objectiveValue"] for trial in status["bestTrials"]] == found[:10]
    assert status["best"]["objectiveValue"] == found[0]


def test_a_search_costs_few_calls(world: World, tuning: TuningJobs) -> None:
    tuning.make()
    tuning.wait_reason("tune", "Completed")
    assert world.count(CREATE) == 1
    assert world.count("ListTags") == 0
    # One look for each trial that has ended, at most, and one at the end; the model is asked for once.
    assert 1 <= world.count("DescribeHyperParameterTuningJob") <= 5
    assert 1 <= world.count("ListTrainingJobsForHyperParameterTuningJob") <= 5
    assert world.count("DescribeTrainingJob") == 1


def test_kubectl_shows_counters(world: World, tuning: TuningJobs) -> None:
    tuning.make()
    tuning.wait("tune", lambda job: job.get("status", {}).get("trainingJobStatusCounters", {}).get("inProgress") == 2)
    tuning.wait_reason("tune", "Completed")
    table = world.cluster.client.call_api(
        f"/apis/sagebridge.io/v1alpha1/namespaces/{world.namespace}/hptuningjobs",
        "GET",
        header_params={"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"},
        auth_settings=["BearerToken"],
        response_type="object",
    )[0]
    names = [column["name"] for column in table["columnDefinitions"]]
    shown = dict(zip(names, table["rows"][0]["cells"], strict=True))
    assert (shown["STATUS"], shown["COMPLETED"], shown["RUNNING"], shown["FAILED"]) == ("Completed", 4, 0, 0)
    assert (shown["RETRYABLE"], shown["STOPPED"]) == (0, 0)
    assert 0 < float(shown["BEST"]) <= 0.5


def test_numbers_in_ranges_and_several_definitions(world: World, tuning: TuningJobs) -> None:
    ranges = {
        "integerParameterRanges": [{"name": "depth", "minValue": 1, "maxValue": 9}],
        "continuousParameterRanges": [{"name": "x", "minValue": 0.0001, "maxValue": 0.5, "scalingType": "Logarithmic"}],
        "categoricalParameterRanges": [{"name": "mode", "values": ["a", 1, True]}],
    }
    own = {"tuningObjective": {"type": "Maximize", "metricName": METRIC}, "hyperParameterRanges": ranges}
    tuning.make(
        config={"hyperParameterTuningJobObjective": None, "parameterRanges": None},
        trainingJobDefinition=None,
        trainingJobDefinitions=[definition(definitionName=name, **own) for name in ("one", "two")],
    )
    status = tuning.wait_reason("tune", "Completed")["status"]
    assert {trial["trainingJobDefinitionName"] for trial in status["bestTrials"]} == {"one", "two"}
    [made] = made_tuning(world)
    sent = made["request"]["TrainingJobDefinitions"][0]["HyperParameterRanges"]
    assert sent["IntegerParameterRanges"][0]["MaxValue"] == "9"
    assert sent["CategoricalParameterRanges"][0]["Values"] == ["a", "1", "true"]


def test_a_second_attempt_keeps_the_images_of_several_definitions(world: World, tuning: TuningJobs) -> None:
    world.script(seconds=600, stop_seconds=0)
    ranges = {"continuousParameterRanges": [{"name": "x", "minValue": 0, "maxValue": 0.5}]}
    own = {"tuningObjective": {"type": "Maximize", "metricName": METRIC}, "hyperParameterRanges": ranges}
    tuning.make(
        config={"hyperParameterTuningJobObjective": None, "parameterRanges": None},
        trainingJobDefinition=None,
        trainingJobDefinitions=[definition(definitionName=name, **own) for name in ("one", "two")],
    )
    images = tuning.wait_reason("tune", "InProgress")["status"]["images"]
    assert images == {f"trainingJobDefinitions[{number}]": IMAGE for number in (0, 1)}
    tuning.patch("tune", {"spec": {"runPolicy": {"suspend": True}}})
    tuning.wait_reason("tune", "Suspended")
    older = IMAGE.replace(":1", ":0")
    tuning.patch_status("tune", {"images": {"trainingJobDefinitions[1]": older}})
    tuning.patch("tune", {"spec": {"runPolicy": {"suspend": False}}})
    tuning.wait("tune", lambda job: len(attempts(job)) == 2 and ready(job)["reason"] == "InProgress", what="runs again")
    sent = made_tuning(world)[-1]["request"]["TrainingJobDefinitions"]
    assert [one["AlgorithmSpecification"]["TrainingImage"] for one in sent] == [IMAGE, older]


def test_a_warm_start_waits_for_its_parent(world: World, tuning: TuningJobs) -> None:
    warm = {
        "parentHyperParameterTuningJobs": [{"ref": {"name": "parent"}}],
        "warmStartType": "IdenticalDataAndAlgorithm",
    }
    tuning.make("child", warmStartConfig=warm)
    waiting = tuning.wait_reason("child", "WaitingForReference")
    assert "HPTuningJob parent, which is not there" in ready(waiting)["message"]
    assert world.count(CREATE) == 0
    tuning.make("parent")
    parent = tuning.wait_reason("parent", "Completed")["status"]
    child = tuning.wait_reason("child", "Completed")["status"]
    assert child["parents"] == [
        {
            "name": "parent",
            "uid": (tuning.get("parent") or {})["metadata"]["uid"],
            "hyperParameterTuningJobName": parent["hyperParameterTuningJobName"],
        }
    ]
    assert child["overallBestTrainingJob"]["trainingJobName"]


def test_a_training_goes_on_from_the_best_model(world: World, tuning: TuningJobs) -> None:
    world.jobs.create("refined", training_spec(modelRef={"kind": "HPTuningJob", "name": "tune"}))
    waiting = world.jobs.wait_reason("refined", "WaitingForReference")
    assert "HPTuningJob tune" in ready(waiting)["message"]
    tuning.make()
    uri = tuning.wait_reason("tune", "Completed")["status"]["modelArtifacts"]["s3ModelArtifacts"]
    refined = world.jobs.wait(
        "refined", lambda job: job.get("status", {}).get("modelRef", {}).get("uri") == uri, what="given the best model"
    )
    assert refined["status"]["modelRef"]["kind"] == "HPTuningJob"


def test_a_capacity_error_is_retried_by_trials(world: World, tuning: TuningJobs) -> None:
    world.aws.settings(capacity_wait_seconds=0.2)
    world.fault("capacity", CREATE, count=1)
    tuning.make()
    done = tuning.wait_reason("tune", "Completed")
    assert done["status"]["trainingJobStatusCounters"]["nonRetryableError"] == 2


@pytest.mark.parametrize("policy", ["Stop", "Retain", "Purge"])
def test_deletion(world: World, tuning: TuningJobs, policy: str) -> None:
    world.script(seconds=600, stop_seconds=0.2)
    tuning.make(runPolicy={"deletionPolicy": policy})
    tuning.wait("tune", lambda job: job.get("status", {}).get("trainingJobStatusCounters", {}).get("inProgress") == 2)
    tuning.delete("tune")
    tuning.wait_gone("tune")
    if policy == "Purge":
        assert world.made() == []
        return
    world.eventually(
        lambda: {job["status"] for job in world.made()} == {"Stopped" if policy == "Stop" else "InProgress"}, policy
    )
    assert len(made_trials(world)) == 2


def test_purge_takes_the_trials_of_an_ended_search_too(world: World, tuning: TuningJobs) -> None:
    tuning.make(runPolicy={"deletionPolicy": "Purge"})
    tuning.wait_reason("tune", "Completed")
    assert len(made_trials(world)) == 4
    tuning.delete("tune")
    tuning.wait_gone("tune")
    assert world.made() == []


def test_suspend_stops_the_trials_and_a_second_attempt_follows(world: World, tuning: TuningJobs) -> None:
    world.script(seconds=600, stop_seconds=0.1)
    tuning.make()
    tuning.wait_reason("tune", "InProgress")
    tuning.patch("tune", {"spec": {"runPolicy": {"suspend": True}}})
    tuning.wait_reason("tune", "Suspended")
    assert {job["status"] for job in world.made()} == {"Stopped"}
    world.script(seconds=1, metrics={METRIC: "x"})
    tuning.patch("tune", {"spec": {"runPolicy": {"suspend": False}}})
    assert len(attempts(tuning.wait_reason("tune", "Completed"))) == 2


def test_code_from_a_config_map_is_staged(world: World, tuning: TuningJobs) -> None:
    script = definition(
        framework={"name": "sklearn", "version": "1.2-1"},
        source={"entryPoint": "train.py", "configMap": {"name": "code"}},
        algorithmSpecification={"metricDefinitions": [{"name": METRIC, "regex": "score=([0-9.]+)"}]},
    )
    tuning.make(trainingJobDefinition=script)
    tuning.wait_reason("tune", "WaitingForReference")
    world.put_config_map("code", {"train.py": "print()"})
    tuning.annotate("tune", reconcile_at="now")
    status = tuning.wait_reason("tune", "Completed")["status"]
    [made] = made_tuning(world)
    static = made["request"]["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static["sagemaker_submit_directory"] == f'"{status["sourceUri"]}"'
    assert status["best"]["staticHyperParameters"] == {"epochs": "3"}


def test_edits_after_creation_are_refused(world: World, tuning: TuningJobs) -> None:
    world.script(seconds=600)
    tuning.make()
    tuning.wait_reason("tune", "InProgress")
    ranges = {"continuousParameterRanges": [{"name": "x", "minValue": 0, "maxValue": 0.25}]}
    for change in (
        {"hyperParameterTuningJobConfig": {"parameterRanges": ranges}},
        {"trainingJobDefinition": {"staticHyperParameters": {"epochs": 4}}},
    ):
        with pytest.raises(kubernetes.client.ApiException) as refused:
            tuning.patch("tune", {"spec": change})
        assert "can't be changed after the job was created" in str(refused.value.body)


def test_an_invalid_spec_says_what_to_do(world: World, tuning: TuningJobs) -> None:
    fields = spec()
    fields["trainingJobDefinition"]["algorithmSpecification"]["metricDefinitions"][0]["name"] = "other"
    tuning.create("tune", fields)
    refused = tuning.wait_reason("tune", "InvalidSpec")
    assert f'lacks the objective "{METRIC}"' in ready(refused)["message"]
    assert f'lacks the objective "{METRIC}"' in tuning.wait_event("tune", "InvalidSpec")
    assert world.count(CREATE) == 0
