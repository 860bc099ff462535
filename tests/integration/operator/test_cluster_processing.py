"""ProcessingJobs with target: Cluster: the Jobs that are made, and what their pods' ends mean."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest
from support.jobs import IMAGE, condition, ready
from support.kueue import Kueue
from support.processing_jobs import ProcessingJobs
from support.processing_kubelet import ProcessingKubelet

from .cluster_serving import exists
from .world import World

TWO = {"clusterConfig": {"instanceType": "ml.m5.large", "instanceCount": 2}}
ONE = {"clusterConfig": {"instanceType": "ml.m5.large"}}
TABLE = {"inputName": "table", "s3Input": {"s3Uri": "s3://sagebridge-local/table/"}}
ROWS = {"outputs": [{"outputName": "rows"}]}
NOT_UTF_8 = "ClientError: The content of /opt/ml/output/message is not UTF-8 encoded"
_S3 = TABLE["s3Input"]


@pytest.fixture
def jobs(world: World) -> ProcessingJobs:
    return ProcessingJobs(world.cluster.client, world.namespace)


@pytest.fixture
def kubelet(world: World) -> Iterator[ProcessingKubelet]:
    made = ProcessingKubelet(world.cluster.client, world.namespace)
    yield made
    made.remove_all()


def start(jobs: ProcessingJobs, kubelet: ProcessingKubelet, **changes: Any) -> Any:
    """Make a job of one host, and bring it so far that its container runs; its pod."""
    jobs.make(target="Cluster", **changes)
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.train(pod)
    jobs.wait("split", lambda job: job["status"].get("processingStartTime"))
    return pod


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            lambda kubelet, pod: kubelet.end(pod, code=3, said={"failure": "ValueError: no"}),
            "AlgorithmError: ValueError: no, exit code: 3",
        ),
        (
            lambda kubelet, pod: kubelet.fail_download(pod, said={"failureReason": "ClientError: NoSuchBucket"}),
            "ClientError: NoSuchBucket",
        ),
        (
            lambda kubelet, pod: kubelet.end(pod, agent=1, said={"failureReason": NOT_UTF_8}),
            NOT_UTF_8,
        ),
    ],
    ids=["script", "download", "message"],
)
def test_a_failed_host_fails_the_job(
    world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet, end: Callable[..., None], reason: str
) -> None:
    jobs.make(target="Cluster", processingResources=TWO)
    first, second = kubelet.pods(2)
    for pod in (first, second):
        kubelet.place(pod)
        kubelet.train(pod)
    end(kubelet, second)
    world.eventually(lambda: kubelet.read(first).metadata.deletion_timestamp, "the other host is told to end")
    kubelet.end(first, code=143)

    failed = jobs.wait_reason("split", "JobFailed")

    assert failed["status"]["failureReason"] == reason
    assert failed["status"]["processingJobStatus"] == "Failed"
    assert condition(failed, "Failed")["status"] == "True"
    assert len(kubelet.jobs()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"networkConfig": {"vpcConfig": {"securityGroupIds": ["sg-12345678"], "subnets": ["subnet-12345678"]}}},
            "networkConfig.vpcConfig can't be kept",
        ),
        (
            {"networkConfig": {"enableNetworkIsolation": True}},
            "networkConfig.enableNetworkIsolation can't be kept",
        ),
        ({"experimentConfig": {"experimentName": "x"}}, "experimentConfig can't be kept"),
        (
            {"processingResources": {"clusterConfig": ONE["clusterConfig"] | {"volumeKmsKeyId": "k"}}},
            "clusterConfig.volumeKmsKeyId can't be kept",
        ),
        (
            {"processingResources": {"clusterConfig": {"instancePreferences": [ONE["clusterConfig"]]}}},
            "clusterConfig.instancePreferences can't be kept",
        ),
        (
            {"processingInputs": [TABLE, {"inputName": "p", "s3Input": _S3 | {"s3InputMode": "Pipe"}}]},
            "processingInputs[].s3Input.s3InputMode can't be kept",
        ),
        (
            {
                "processingInputs": [
                    {"inputName": "p", "s3Input": _S3 | {"s3InputMode": "Pipe", "s3CompressionType": "Gzip"}}
                ]
            },
            "processingInputs[].s3Input.s3CompressionType can't be kept",
        ),
        (
            {
                "processingInputs": [
                    {
                        "inputName": "rows",
                        "datasetDefinition": {
                            "athenaDatasetDefinition": {
                                "catalog": "c",
                                "database": "d",
                                "queryString": "SELECT 1",
                                "outputS3Uri": "s3://bucket/athena/",
                                "outputFormat": "PARQUET",
                            }
                        },
                    }
                ]
            },
            "processingInputs[].datasetDefinition can't be kept",
        ),
        (
            {
                "processingOutputConfig": {
                    "outputs": [
                        *ROWS["outputs"],
                        {
                            "outputName": "f",
                            "appManaged": True,
                            "featureStoreOutput": {"featureGroupName": "g"},
                        },
                    ]
                }
            },
            "processingOutputConfig.outputs[].featureStoreOutput can't be kept",
        ),
    ],
    ids=["vpc", "isolation", "experiment", "key", "preferences", "pipe", "gzip", "query", "features"],
)
def test_what_the_cluster_can_not_do_is_refused_at_admission(jobs: ProcessingJobs, changes: Any, words: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        jobs.make(target="Cluster", **changes)
    assert words in json.loads(refused.value.body)["message"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cluster": {"queueName": "a"}}, "cluster goes with target: Cluster"),
        ({"environmentFrom": [{"secretRef": {"name": "token"}}]}, "plaintext"),
    ],
    ids=["cluster", "secret"],
)
def test_what_needs_the_target_is_refused_without_it(jobs: ProcessingJobs, changes: Any, words: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as refused:
        jobs.make(**changes)
    assert words in json.loads(refused.value.body)["message"]


def test_a_path_that_no_volume_can_have_is_named(jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    place = {"localPath": "/opt/ml/processing/a:b"}
    jobs.make(target="Cluster", processingInputs=[{"inputName": "table", "s3Input": _S3 | place}])

    refused = jobs.wait_reason("split", "InvalidSpec")

    assert "processingInputs[0].s3Input.localPath" in ready(refused)["message"]
    assert kubelet.jobs() == []


def test_a_whole_life(world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    jobs.make(
        target="Cluster", processingResources=TWO, processingOutputConfig=ROWS, tags=[{"key": "team", "value": "a"}]
    )
    pods = kubelet.pods(2)
    for pod in pods:
        kubelet.place(pod)
        kubelet.download(pod)
    running = jobs.wait("split", lambda job: job["status"].get("processingStartTime"))
    assert running["status"]["processingJobStatus"] == "InProgress"
    for pod in pods:
        kubelet.train(pod)
        kubelet.end(pod, said={"stopped": "", "message": "7 rows. "})

    done = jobs.wait_reason("split", "Completed")
    status = done["status"]
    [attempt] = status["attempts"]
    [job] = kubelet.jobs()
    assert condition(done, "Complete")["status"] == "True"
    assert status["processingJobStatus"] == "Completed"
    assert status["exitMessage"] == "7 rows. 7 rows. "
    assert status["processingStartTime"] <= status["processingEndTime"]
    [output] = status["processingOutputConfig"]["outputs"]
    assert output["s3Output"]["s3Uri"].endswith(f"/{status['processingJobName']}/output/rows")
    assert output["s3Output"]["localPath"] == "/opt/ml/processing/output/rows"
    assert (status["image"], status["instanceCount"]) == (IMAGE, 2)
    assert status["logs"]["container"] == "process"
    assert attempt["arn"] == status["processingJobArn"]
    assert attempt["arn"].endswith(f":job/{job.metadata.name}")
    assert "roleArn" not in status
    assert world.made() == []


def test_what_the_pods_have_to_know(world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    jobs.make(
        target="Cluster",
        appSpecification={"imageUri": IMAGE, "containerEntrypoint": ["python3", "split.py"]},
        processingInputs=[TABLE],
        processingOutputConfig=ROWS,
        cluster={"image": "own.example/split:2"},
    )
    [pod] = kubelet.pods(1)
    [job] = kubelet.jobs()
    core = world.cluster.core
    # They come after the Job, which makes pods at once.
    service = world.eventually(
        lambda: exists(lambda: core.read_namespaced_service(job.metadata.name, world.namespace)), "a Service"
    )
    config_map = world.eventually(
        lambda: exists(lambda: core.read_namespaced_config_map(job.metadata.name, world.namespace)), "a ConfigMap"
    )

    document = json.loads(config_map.data["job.json"])
    assert document["request"]["ProcessingInputs"][0]["S3Input"]["LocalPath"] == "/opt/ml/processing/input/table"
    assert document["hosts"] == [f"{job.metadata.name}-0"]
    assert service.spec.cluster_ip == "None"
    assert {one.metadata.owner_references[0].uid for one in (service, config_map)} == {job.metadata.uid}
    [process, agent] = pod.spec.containers
    assert (process.name, process.image, process.command) == (
        "process",
        "own.example/split:2",
        ["python3", "split.py"],
    )
    assert agent.command[-1] == "accompany-processing"


def test_an_agent_that_runs_is_told_how_the_container_ended(
    world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet
) -> None:
    pod = start(jobs, kubelet)
    kubelet.upload(pod, code=3)

    told = world.eventually(
        lambda: (kubelet.read(pod).metadata.annotations or {}).get("sagebridge.io/training-ended"), "the mark"
    )
    assert told == "3"


def test_a_reclaimed_node_uses_up_no_retry(world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    pod = start(jobs, kubelet)
    kubelet.reclaim(pod, "Pod was terminated in response to imminent node shutdown.")

    [again] = world.eventually(
        lambda: [one for one in kubelet.pods(1) if one.metadata.name != pod.metadata.name], "a new attempt's pod"
    )
    kubelet.place(again)
    kubelet.end(again, said={"stopped": ""})
    done = jobs.wait_reason("split", "Completed")
    assert [attempt.get("reason", "") for attempt in done["status"]["attempts"]] == ["Interrupted", ""]


def test_its_time_is_over(jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    pod = start(jobs, kubelet, stoppingCondition={"maxRuntimeInSeconds": 60})
    kubelet.end(pod, code=143, said={"stopped": "MaxRuntimeExceeded", "message": "half"})

    stopped = jobs.wait("split", lambda job: job["status"].get("processingEndTime"))
    assert stopped["status"]["processingJobStatus"] == "Stopped"
    assert stopped["status"]["exitMessage"] == "half"


def test_suspending_stops_it_and_going_on_is_a_new_job(
    world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet
) -> None:
    pod = start(jobs, kubelet)

    jobs.patch("split", {"spec": {"runPolicy": {"suspend": True}}})
    world.eventually(
        lambda: (kubelet.read(pod).metadata.annotations or {}).get("sagebridge.io/stop") == "Stopped", "the mark"
    )
    kubelet.end(pod, code=143, said={"stopped": "Stopped"})
    suspended = jobs.wait_reason("split", "Suspended")
    assert suspended["status"]["processingJobStatus"] == "Stopped"

    jobs.patch("split", {"spec": {"runPolicy": {"suspend": False}}})
    world.eventually(lambda: len(kubelet.jobs()) == 2, "the next attempt's Job")


def test_deleting_mid_run_stops_it_first(world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    pod = start(jobs, kubelet, runPolicy={"deletionPolicy": "Purge"})

    jobs.delete("split")
    world.eventually(
        lambda: (kubelet.read(pod).metadata.annotations or {}).get("sagebridge.io/stop") == "Stopped", "the mark"
    )
    kubelet.end(pod, code=143, said={"stopped": "Stopped"})

    jobs.wait_gone("split")
    world.eventually(lambda: not kubelet.jobs(), "the Job is deleted")


def test_a_job_that_waits_for_a_node_says_why(jobs: ProcessingJobs, kubelet: ProcessingKubelet) -> None:
    jobs.make(target="Cluster")
    waiting = jobs.wait_reason("split", "Unschedulable")
    assert "no nodes available" in ready(waiting)["message"]


def test_a_queue_holds_the_job_until_it_has_room(
    world: World, jobs: ProcessingJobs, kubelet: ProcessingKubelet
) -> None:
    jobs.make(target="Cluster", cluster={"queueName": "team-a"})
    jobs.wait_reason("split", "Queued")
    [job] = kubelet.jobs()
    assert job.spec.suspend

    Kueue(world.cluster.client, world.namespace).admit(job.metadata.name, flavor={"flavor.example/name": "spot"})
    [pod] = kubelet.pods(1)
    kubelet.place(pod)
    kubelet.end(pod, said={"stopped": ""})
    jobs.wait_reason("split", "Completed")
