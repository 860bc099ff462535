"""An example, applied as it stands, is really run: from the manifest to the files in S3 and the log."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import kubernetes
import pytest
import yaml
from sagebridge_local.stack import OperatorProcess, Simulator
from support.processing_jobs import ProcessingJobs

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/processingjob/script-configmap-sklearn.yaml"
BUCKET = "my-bucket"
ROWS = [f"{number},{number % 10}" for number in range(200)]


@pytest.fixture
def jobs(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    kube: kubernetes.client.ApiClient,
    namespace: str,
) -> tuple[ProcessingJobs, Simulator]:
    """A local SageMaker that runs jobs, with an operator before it."""
    local = simulator()
    local.make_bucket(BUCKET)
    operator(endpoint_url=local.url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3"})
    return ProcessingJobs(kube, namespace), local


def test_the_example_splits_its_table(
    jobs: tuple[ProcessingJobs, Simulator], kube: kubernetes.client.ApiClient, namespace: str
) -> None:
    objects, local = jobs
    s3 = local.client("s3")
    s3.put_object(Bucket=BUCKET, Key="tables/digits/rows.csv", Body="\n".join(ROWS).encode())
    code, manifest = yaml.safe_load_all(EXAMPLE.read_text())
    kubernetes.client.CoreV1Api(kube).create_namespaced_config_map(namespace, code)
    objects.create(manifest["metadata"]["name"], manifest["spec"])

    status = objects.wait_reason("split", "Completed")["status"]

    assert status["exitMessage"] == "rows: 200"
    assert objects.wait_event("split", "Completed").endswith("completed. Its exit message: rows: 200")
    split = {}
    for output in status["processingOutputConfig"]["outputs"]:
        bucket, prefix = output["s3Output"]["s3Uri"].removeprefix("s3://").split("/", 1)
        body = s3.get_object(Bucket=bucket, Key=f"{prefix}/rows.csv")["Body"].read().decode()
        split[output["outputName"]] = body.split()
    assert (len(split["train"]), len(split["test"])) == (150, 50)
    assert sorted(split["train"] + split["test"]) == sorted(ROWS)
    logs = local.client("logs")
    group = {"logGroupName": status["logs"]["groupName"]}
    [stream] = logs.describe_log_streams(**group, logStreamNamePrefix=status["logs"]["streamPrefix"])["logStreams"]
    events = logs.get_log_events(**group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
    assert [event["message"] for event in events][-1] == "150 rows to train with, 50 to test with"


def test_a_script_that_fails_is_shown(
    jobs: tuple[ProcessingJobs, Simulator], kube: kubernetes.client.ApiClient
) -> None:
    objects, _ = jobs
    text = "import sys; open('/opt/ml/output/message', 'w').write('no rows'); sys.exit(3)"
    code = {"metadata": {"name": "code"}, "data": {"check.py": text}}
    kubernetes.client.CoreV1Api(kube).create_namespaced_config_map(objects.namespace, code)
    source = {"entryPoint": "check.py", "configMap": {"name": "code"}}
    objects.make("check", appSpecification=None, framework={"name": "sklearn"}, source=source)

    status = objects.wait_reason("check", "JobFailed")["status"]

    assert status["failureReason"] == "AlgorithmError: , exit code: 3"
    assert status["exitMessage"] == "no rows"


def test_a_running_script_is_stopped_with_its_object(
    jobs: tuple[ProcessingJobs, Simulator], kube: kubernetes.client.ApiClient
) -> None:
    objects, local = jobs
    code = {"metadata": {"name": "code"}, "data": {"wait.sh": "touch /opt/ml/processing/output/seen/it; sleep 600"}}
    kubernetes.client.CoreV1Api(kube).create_namespaced_config_map(objects.namespace, code)
    source = {"entryPoint": "wait.sh", "configMap": {"name": "code"}}
    seen = {"outputName": "seen", "s3Output": {"s3Uri": f"s3://{BUCKET}/seen", "s3UploadMode": "Continuous"}}
    fields = {"framework": {"name": "sklearn"}, "source": source, "processingOutputConfig": {"outputs": [seen]}}
    objects.make("wait", appSpecification=None, **fields)
    name = objects.wait_reason("wait", "InProgress")["status"]["processingJobName"]
    objects.wait("wait", lambda _: "Contents" in local.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="seen/it"))

    objects.delete("wait")
    objects.wait_gone("wait")

    described = local.client("sagemaker").describe_processing_job(ProcessingJobName=name)
    assert described["ProcessingJobStatus"] in ("Stopping", "Stopped")
