"""A tuning job from its creation to its end."""

import pytest

METRIC = "validation:score"


def test_it_runs_its_trials_in_parallel_and_ends_with_the_best(tuner, request_of):
    arn = tuner.create(request_of(trials=6, parallel=2))
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tune"
    assert tuner.describe()["TrainingJobStatusCounters"]["InProgress"] == 2
    most = 0
    for _ in range(400):
        tuner.advance(1)
        most = max(most, tuner.describe()["TrainingJobStatusCounters"]["InProgress"])
    assert most == 2
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["TrainingJobStatusCounters"] == {
        "Completed": 6, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0
    }  # fmt: skip
    assert ended["ObjectiveStatusCounters"] == {"Succeeded": 6, "Pending": 0, "Failed": 0}
    assert ended["HyperParameterTuningEndTime"] - ended["CreationTime"] == pytest.approx(180)
    values = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in tuner.children()]
    best = ended["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Maximize", "MetricName": METRIC, "Value": max(values)
    }  # fmt: skip
    assert float(best["TunedHyperParameters"]["x"]) == max(values)
    assert "OverallBestTrainingJob" not in ended


def test_trials_are_training_jobs_of_their_own(tuner, request_of):
    given = request_of() | {"Tags": [{"Key": "team", "Value": "a"}]}
    arn = tuner.create(given)
    name = tuner.children(SortBy="CreationTime")[0]["TrainingJobName"]
    assert name.startswith("tune-001-")
    child = tuner.child(name)
    assert child["TuningJobArn"] == arn
    assert child["HyperParameters"]["epochs"] == "3"
    assert child["HyperParameters"]["_tuning_objective_metric"] == METRIC
    assert 0 <= float(child["HyperParameters"]["x"]) <= 1
    assert tuner("ListTags", ResourceArn=child["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "a"}]


def test_the_same_seed_gives_the_same_search(make_tuner, request_of):
    def tuned():
        tuner = make_tuner()
        tuner.create(request_of())
        tuner.advance(1000)
        return [child["TunedHyperParameters"] for child in tuner.children()]

    assert tuned() == tuned()


def test_the_bayesian_search_learns(make_tuner, request_of):
    """It finds a better place than as many draws at random, on the mean of several seeds."""

    def best(strategy: str, seed: int) -> float:
        tuner = make_tuner()
        tuner.create(request_of(trials=30, parallel=1, Strategy=strategy, RandomSeed=seed))
        tuner.advance(5000)
        return tuner.describe()["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]

    seeds = range(5)
    bayesian = [best("Bayesian", seed) for seed in seeds]
    assert sum(bayesian) / 5 > 0.98
    assert sum(bayesian) > sum(best("Random", seed) for seed in seeds)


def test_stop_stops_the_trials(tuner, request_of):
    tuner.create(request_of())
    tuner.advance(30)
    tuner("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert tuner.describe()["HyperParameterTuningJobStatus"] == "Stopping"
    assert {child["TrainingJobStatus"] for child in tuner.children()} == {"Stopping"}
    tuner.advance(10)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Stopped"
    assert ended["TrainingJobStatusCounters"]["Stopped"] == 2
    tuner.advance(1000)
    assert len(tuner.children()) == 2


def test_delete_leaves_the_training_jobs(tuner, request_of):
    tuner.create(request_of())
    early = tuner.refused("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert early.code == "ResourceInUse"
    tuner.advance(1000)
    names = [child["TrainingJobName"] for child in tuner.children()]
    tuner("DeleteHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    gone = tuner.refused("DescribeHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert (gone.code, gone.message) == (
        "ResourceNotFound",
        "Amazon SageMaker can't find a tuning job called tune. Type another name.",
    )
    assert tuner.child(names[0])["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("script", "reason", "counter"),
    [
        ({"outcome": "Failed", "failure_reason": "AlgorithmError: no"}, "No training job succeeded after 5 attempts",
         "NonRetryableError"),
        ({"outcome": "Failed", "failure_reason": "InternalServerError: we"}, "No training job succeeded after 5",
         "RetryableError"),
        ({"metrics": {}}, "No value of the objective metric was found after 5 training jobs", "Completed"),
    ],
)  # fmt: skip
def test_it_fails_when_no_trial_brings_a_value(tuner, request_of, script, reason, counter):
    tuner.script("tune-*", seconds=10, **script)
    tuner.create(request_of(trials=20, parallel=1))
    tuner.advance(1000)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Failed"
    assert ended["FailureReason"].startswith(reason)
    assert ended["TrainingJobStatusCounters"][counter] == 5
    assert "BestTrainingJob" not in ended


def test_one_failure_does_not_end_it(tuner, request_of):
    tuner.script("tune-002-*", seconds=5, outcome="Failed", failure_reason="AlgorithmError: no")
    tuner.create(request_of())
    tuner.advance(1000)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["TrainingJobStatusCounters"]["NonRetryableError"] == 1
    assert ended["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 1}
    failed = tuner.children(StatusEquals="Failed")
    assert [child["FailureReason"] for child in failed] == ["AlgorithmError: no"]


def test_max_runtime_stops_what_runs_and_keeps_what_was_found(tuner, request_of):
    limits = {"MaxParallelTrainingJobs": 1, "MaxRuntimeInSeconds": 150}
    tuner.create(request_of(ResourceLimits=limits))
    tuner.advance(400)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["TrainingJobStatusCounters"]["Completed"] == 2
    assert ended["TrainingJobStatusCounters"]["Stopped"] == 1
    assert ended["ConsumedResources"]["RuntimeInSeconds"] == pytest.approx(152)


@pytest.mark.parametrize(
    ("criteria", "most"),
    [
        ({"TargetObjectiveMetricValue": 0.2}, 10),
        ({"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}, 60),
        ({"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}}, 60),
    ],
)
def test_completion_criteria_end_it_early(tuner, request_of, criteria, most):
    tuner.create(request_of(trials=100, parallel=2, TuningJobCompletionCriteria=criteria))
    tuner.advance(10000)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(ended["TrainingJobStatusCounters"].values()) < most
    if "ConvergenceDetected" in criteria:
        assert "ConvergenceDetectedTime" in ended["TuningJobCompletionDetails"]


def test_early_stopping_stops_what_falls_behind(tuner, request_of):
    good, bad = [0.5, 0.6, 0.7, 0.8, 0.9], [0.5, 0.1, 0.1, 0.1, 0.1]
    tuner.script("tune-*", seconds=100, metrics={METRIC: good})
    tuner.script("tune-004-*", seconds=100, metrics={METRIC: bad})
    tuner.create(request_of(trials=6, parallel=1, TrainingJobEarlyStoppingType="Auto"))
    tuner.advance(2000)
    ended = tuner.describe()
    assert ended["TrainingJobStatusCounters"]["Stopped"] == 1
    assert ended["TrainingJobStatusCounters"]["Completed"] == 5
    stopped = tuner.children(StatusEquals="Stopped")[0]
    assert stopped["TrainingJobName"].startswith("tune-004-")
    assert stopped["ObjectiveStatus"] == "Succeeded"
    assert stopped["TrainingEndTime"] - stopped["TrainingStartTime"] < 60


def test_hyperband_stops_the_hopeless(tuner, request_of):
    for number in range(1, 28):
        tuner.script(f"tune-{number:03d}-*", seconds=90, metrics={METRIC: [(27 - number) / 100] * 27})
    limits = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}
    tuner.create(request_of(trials=27, parallel=3, Strategy="Hyperband", StrategyConfig=limits))
    tuner.advance(5000)
    ended = tuner.describe()
    assert ended["HyperParameterTuningJobStatus"] == "Completed"
    assert ended["TrainingJobStatusCounters"]["Stopped"] >= 5
    assert ended["BestTrainingJob"]["TrainingJobName"].startswith("tune-001-")


def test_grid_tries_every_combination_once(tuner, request_of):
    ranges = {"CategoricalParameterRanges": [
        {"Name": "x", "Values": ["1", "2", "3"]}, {"Name": "y", "Values": ["a", "b"]},
    ]}  # fmt: skip
    tuner.create(request_of(trials=None, Strategy="Grid", ParameterRanges=ranges))
    tuner.advance(1000)
    tried = [tuple(child["TunedHyperParameters"].values()) for child in tuner.children()]
    assert sorted(tried) == [(x, y) for x in "123" for y in "ab"]
    assert tuner.describe()["HyperParameterTuningJobStatus"] == "Completed"


def test_several_definitions_take_turns(tuner, request_of, definition_of):
    ranges = {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]}
    given = request_of(HyperParameterTuningJobObjective=None, ParameterRanges=None)
    del given["TrainingJobDefinition"]
    given["TrainingJobDefinitions"] = [
        definition_of(
            DefinitionName=name,
            TuningObjective={"Type": "Maximize", "MetricName": METRIC},
            HyperParameterRanges=ranges,
        )
        for name in ("one", "two")
    ]
    tuner.create(given)
    tuner.advance(1000)
    names = [child["TrainingJobDefinitionName"] for child in tuner.children()]
    assert sorted(names) == ["one"] * 3 + ["two"] * 3
    assert tuner.describe()["BestTrainingJob"]["TrainingJobDefinitionName"] in {"one", "two"}


@pytest.mark.parametrize("kind", ["IdenticalDataAndAlgorithm", "TransferLearning"])
def test_warm_start_learns_from_its_parents(tuner, request_of, kind):
    tuner.create(request_of("parent", trials=30, parallel=1))
    tuner.advance(5000)
    config = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}], "WarmStartType": kind}
    tuner.create(request_of("child", trials=3, parallel=1) | {"WarmStartConfig": config})
    tuner.advance(1000)
    values = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in tuner.children("child")]
    assert max(values) > 0.9
    ended, parent = tuner.describe("child"), tuner.describe("parent")
    if kind == "TransferLearning":
        assert "OverallBestTrainingJob" not in ended
        return
    overall = ended["OverallBestTrainingJob"]
    bests = [job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in (ended, parent)]
    assert overall["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(bests)
    assert overall["TuningJobName"] in {"parent", "child"}


def test_warm_start_does_not_learn_from_the_parents_of_its_parents(tuner, request_of):
    for name, parent in (("oldest", None), ("parent", "oldest"), ("child", "parent")):
        warm = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": parent}]}
        config = {"WarmStartConfig": warm | {"WarmStartType": "IdenticalDataAndAlgorithm"}} if parent else {}
        tuner.create(request_of(name, trials=30 if name == "oldest" else 1, parallel=1) | config)
        tuner.advance(5000)
    best = {name: tuner.describe(name)["BestTrainingJob"] for name in ("oldest", "parent", "child")}
    values = {name: one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for name, one in best.items()}
    tuner.create(
        request_of("last", trials=1, parallel=1)
        | {
            "WarmStartConfig": {
                "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
                "WarmStartType": "IdenticalDataAndAlgorithm",
            }
        }
    )
    assert values["oldest"] > values["parent"]
    assert tuner.describe("last")["OverallBestTrainingJob"]["TuningJobName"] == "parent"


def test_lists_of_tuning_jobs_show_counters(tuner, request_of):
    tuner.create(request_of())
    summary = tuner("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"][0]
    assert summary["HyperParameterTuningJobName"] == "tune"
    assert summary["Strategy"] == "Bayesian"
    assert summary["TrainingJobStatusCounters"]["InProgress"] == 2
    assert summary["ObjectiveStatusCounters"]["Pending"] == 2
    assert summary["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 6


def test_lists_of_trials_are_sorted_and_paged(tuner, request_of):
    tuner.create(request_of())
    tuner.advance(1000)
    everything = {"HyperParameterTuningJobName": "tune", "SortBy": "FinalObjectiveMetricValue",
                  "SortOrder": "Descending", "MaxResults": 4}  # fmt: skip
    first = tuner("ListTrainingJobsForHyperParameterTuningJob", **everything)
    second = tuner("ListTrainingJobsForHyperParameterTuningJob", **everything, NextToken=first["NextToken"])
    shown = first["TrainingJobSummaries"] + second["TrainingJobSummaries"]
    values = [child["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for child in shown]
    assert len(values) == 6
    assert values == sorted(values, reverse=True)


def test_instance_quotas_make_trials_wait(tuner, request_of):
    tuner.service.quotas.instances["ml.m5.large for training job usage"] = 2
    tuner(
        "CreateTrainingJob",
        TrainingJobName="other",
        AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
        RoleArn="arn:aws:iam::123456789012:role/training",
        OutputDataConfig={"S3OutputPath": "s3://b/o"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )
    tuner.create(request_of())
    assert tuner.describe()["TrainingJobStatusCounters"]["InProgress"] == 1
    tuner.advance(1000)
    assert tuner.describe()["TrainingJobStatusCounters"]["Completed"] == 6


def test_reset_forgets_everything(tuner, request_of):
    tuner.create(request_of())
    tuner.service.reset()
    tuner.advance(1000)
    assert tuner("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"] == []
