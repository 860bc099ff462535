"""Trials are TrainingJobs that the operator itself would accept, alike but for what is drawn; and are read again."""

import json

import pytest
from sagebridge.core.cluster import request as training
from sagebridge.core.cluster.job import kubernetes_name
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning.trials import manifest, read, trial_name
from sagebridge.core.names import Owner
from sagebridge.core.resolution import Part
from sagebridge.schema.convert import to_request
from support.cluster_tuning import cluster_spec
from support.tuning_jobs import METRIC, definition

from .searches import OWNER, context, ended, record_of, suspended, told_to_stop, trial

SCRIPT = definition(
    algorithmSpecification={"metricDefinitions": [{"name": METRIC, "regex": "score=([0-9.]+)"}]},
    framework={"name": "pytorch", "version": "2.3"},
    source={"entryPoint": "train.py", "configMap": {"name": "code"}},
    staticHyperParameters={"epochs": 3, "name": "x"},
    environmentFrom=[{"secretRef": {"name": "key"}}],
)
CODE = {"trainingJobDefinition": Part(source_uri="s3://bucket/code.tar.gz")}


def made(fields, tuned, **changes):
    """A trial of a spec, and the request that is made of it."""
    body = manifest(record_of(fields, **changes), 0, number=1, tuned=tuned, deletion_policy="Stop")
    spec = body["spec"]
    complete = training.resolve(spec, context(job_name=spec["trainingJobName"]))
    complete.pop("cluster")
    return body, to_request("CreateTrainingJob", complete)


def test_an_own_image_gets_plain_texts():
    body, request = made(cluster_spec(cluster={"queueName": "gpus"}), {"x": "0.25"})
    assert request["HyperParameters"] == {"epochs": "3", "x": "0.25", "_tuning_objective_metric": METRIC}
    assert body["spec"]["cluster"] == {"queueName": "gpus"}
    assert "roleArn" not in body["spec"]


def test_a_script_in_sagemakers_image_gets_what_the_toolkit_reads():
    """The trial has the image and the code that were found when the search was recorded."""
    body, request = made(cluster_spec(trainingJobDefinition=SCRIPT), {"x": "0.25"}, parts=CODE)
    texts = request["HyperParameters"]
    assert (texts["sagemaker_program"], texts["sagemaker_submit_directory"]) == (
        '"train.py"',
        '"s3://bucket/code.tar.gz"',
    )
    assert (texts["epochs"], texts["name"], texts["x"]) == ("3", '"x"', "0.25")
    assert "pytorch-training:2.3" in body["spec"]["algorithmSpecification"]["trainingImage"]
    assert "framework" not in body["spec"]
    assert body["spec"]["environmentFrom"] == [{"secretRef": {"name": "key"}}]


def test_a_script_on_another_image_stays_a_script():
    """Whether the agent brings the launcher goes by the trial's own manifest."""
    fields = cluster_spec(trainingJobDefinition=SCRIPT, cluster={"image": "registry.example/pytorch:2"})
    body, request = made(fields, {"x": "0.25"}, parts=CODE)
    assert body["spec"]["framework"] == {"name": "pytorch", "version": "2.3"}
    assert body["spec"]["source"] == {"entryPoint": "train.py", "s3Uri": "s3://bucket/code.tar.gz"}
    assert body["spec"]["hyperParameters"] == {
        "epochs": 3,
        "name": "x",
        "x": 0.25,
        "_tuning_objective_metric": METRIC,
    }
    assert request["HyperParameters"]["name"] == '"x"'
    launch = training.resolve(body["spec"], context())["cluster"]["launch"]
    assert launch == "script"


def test_a_built_in_algorithm_reports_its_objective():
    algorithm = definition(algorithm={"name": "xgboost"}, algorithmSpecification=None)
    objective = {"type": "Minimize", "metricName": "validation:rmse"}
    fields = cluster_spec(trainingJobDefinition=algorithm, config={"hyperParameterTuningJobObjective": objective})
    _, request = made(fields, {"x": "0.25"})
    [metric] = request["AlgorithmSpecification"]["MetricDefinitions"]
    assert metric["Name"] == "validation:rmse"


def test_trials_do_not_share_checkpoints():
    checkpoints = {"s3Uri": "s3://bucket/checkpoints/", "localPath": "/opt/ml/c"}
    body, request = made(cluster_spec(trainingJobDefinition=definition(checkpointConfig=checkpoints)), {"x": "0.1"})
    assert request["CheckpointConfig"]["S3Uri"] == f"s3://bucket/checkpoints/{body['metadata']['name']}"


def test_tags_are_handed_down_without_the_marks_of_ownership():
    body, _ = made(cluster_spec(tags=[{"key": "team", "value": "vision"}]), {"x": "0.1"})
    assert body["spec"]["tags"] == [{"key": "team", "value": "vision"}]


def test_a_trial_belongs_to_its_search():
    body, _ = made(cluster_spec(), {"x": "0.1"})
    [owner] = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("HPTuningJob", "tune", OWNER.uid, True)
    assert body["metadata"]["labels"]["sagebridge.io/trial"] == "1"


@pytest.mark.parametrize("name", ["tune", "a" * 253, "dots.in.it", "x" * 40 + "-" * 20 + "y"])
def test_names_are_valid_everywhere_and_differ(name):
    owner = Owner(cluster="c1", namespace="team", name=name, uid="u1")
    other = Owner(cluster="c1", namespace="team", name=name, uid="u2")
    one = record_of()
    names = [
        trial_name(records.Record(owner=who, attempt=attempt, name="", request=one.request, templates=()), number)
        for who in (owner, other)
        for attempt in (1, 2)
        for number in (1, 2, 1000)
    ]
    assert len(set(names)) == len(names)
    assert all(len(one) <= 57 and one.strip("-") == one and "." not in one for one in names)


def changed(number, **metadata):
    body = trial(record_of(), number)
    return body | {"metadata": body["metadata"] | metadata}


OF_ANOTHER_DEFINITION = {"sagebridge.io/training-job-definition-name": "another"}


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("of a definition that is not there", changed(2, annotations=OF_ANOTHER_DEFINITION)),
        ("without a number", changed(2, labels={})),
        ("with another's number", changed(2, labels={"sagebridge.io/trial": "3"})),
        ("with a number that is none", changed(2, labels={"sagebridge.io/trial": "²"})),
        ("somebody else's, with our labels", changed(2, name="mine")),
        ("in another namespace", changed(2, namespace="elsewhere")),
    ],
)
def test_what_is_no_trial_of_it_is_left_out(reason, body):
    assert [one.number for one in read([body, trial(record_of(), 1)], record_of())] == [1], reason


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "null"])
def test_a_spoilt_annotation_spoils_one_trial_alone(text):
    record = record_of()
    spoilt = trial(record, 1)
    spoilt["metadata"]["annotations"]["sagebridge.io/tuned-hyper-parameters"] = text
    assert [dict(one.tuned) for one in read([spoilt], record)] == [{}]


def deleted(body):
    return body | {"metadata": body["metadata"] | {"deletionTimestamp": "2026-01-01T00:10:00Z"}}


BODY = trial(record_of(), 1)


@pytest.mark.parametrize(
    ("reason", "body", "status", "value"),
    [
        ("it was made", BODY | {"status": {}}, "InProgress", None),
        ("it runs", BODY, "InProgress", None),
        ("it completed", ended(BODY, value=0.5), "Completed", 0.5),
        ("it completed without a value", ended(BODY), "Completed", None),
        ("it failed, whatever it logged", ended(BODY, "Failed", 0.5), "Failed", None),
        ("its time was up", ended(BODY, "Stopped", 0.5), "Stopped", 0.5),
        ("its Job was taken away", ended(BODY, "Gone"), "Failed", None),
        ("it is told to stop", told_to_stop(BODY), "InProgress", None),
        ("it was told to stop before it began", told_to_stop(BODY | {"status": {}}), "Stopped", None),
        ("it was stopped", suspended(BODY, 0.4), "Stopped", 0.4),
        ("somebody deletes it", deleted(BODY), "Stopped", None),
    ],
)
def test_how_a_trial_is_read(reason, body, status, value):
    [found] = read([body], record_of())
    assert (found.status, found.value) == (status, value), reason


def test_a_record_is_read_as_it_was_written():
    record = record_of()
    body = records.manifest(record)
    body["metadata"]["creationTimestamp"] = record.created_at
    assert body["metadata"]["name"] == kubernetes_name(OWNER, 1)
    assert records.parse(body, owner=OWNER, attempt=1) == record


@pytest.mark.parametrize(
    "data",
    [{}, {records.FILE: "{"}, {records.FILE: "[]"}, {records.FILE: '{"name": "x", "request": {}, "trials": []}'}],
)
def test_what_is_no_record_is_not_read(data):
    body = records.manifest(record_of()) | {"data": data}
    body["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    assert records.parse(body, owner=OWNER, attempt=1) is None


@pytest.mark.parametrize("text", [json.dumps({"status": "Weird", "at": "2026-01-01T00:00:00Z"}), "{}", ""])
def test_an_ending_that_is_none_is_not_taken_for_one(text):
    assert records.read_ending(text) == {}
