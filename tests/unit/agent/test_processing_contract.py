"""What a processing job's containers on the cluster are told, beside local mode's for the same request."""

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from sagebridge.agent.places import Places
from sagebridge.agent.processing.document import ProcessingDocument
from sagebridge.agent.processing.host import ProcessingHost
from sagebridge.agent.processing.prepare import prepare
from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.cluster.processing.document import document
from sagebridge.core.cluster.processing.job import ProcessingWork
from sagebridge.core.names import Owner
from sagebridge.core.placement import Placement
from sagebridge_local.runtime.processing import host as local_mode
from sagebridge_local.runtime.records import ProcessingRun

LOCAL_ARN = "arn:aws:sagemaker:us-west-2:123456789012:processing-job/split"


def request(count: int) -> dict[str, Any]:
    return {
        "ProcessingJobName": "split",
        "AppSpecification": {"ImageUri": "registry/own:1", "ContainerArguments": ["--parts", "3"]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": count, "VolumeSizeInGB": 30}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "Environment": {"MODE": "fast"},
    }


def job(count: int) -> ProcessingWork:
    return ProcessingWork(
        owner=Owner(cluster="c1", namespace="team", name="split", uid="6f1b0c7e-0000-4000-8000-000000000001"),
        attempt=1,
        kind="ProcessingJob",
        job_name="split",
        region="us-west-2",
        request=request(count),
        cluster={"serviceAccountName": "data"},
        placement=cast("Placement", None),
        settings=ClusterSettings(agent_image="registry/sagebridge:1"),
    )


def on_the_cluster(root: Path, rank: int, *, count: int, clock: Any) -> dict[str, Any]:
    """The files that a host of the cluster has."""
    places = Places(ml=root / "ml", run=root, proc=root / "proc", job=root / "job.json")
    places.job.write_text(document(job(count)))
    places.ml.mkdir()
    prepare(ProcessingHost.load(places, {"JOB_COMPLETION_INDEX": str(rank)}), clock=clock)
    return read(places.ml / "config")


def in_local_mode(root: Path, index: int, *, count: int) -> dict[str, Any]:
    """The files that the same host has in local mode."""
    run = ProcessingRun(
        name="split",
        arn=LOCAL_ARN,
        request=request(count),
        region="us-west-2",
        account="123456789012",
        work_dir=root,
        endpoint_url="http://127.0.0.1:1",
    )
    host = local_mode.ProcessingHost(name=f"algo-{index + 1}", root=root / "local")
    host.prepare(run)
    return read(root / "local/ml/config")


def read(directory: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in directory.iterdir()}


def renamed(files: dict[str, Any], *, of: ProcessingWork) -> Any:
    """Local mode's files with the names that the cluster has."""
    text = json.dumps(files).replace(LOCAL_ARN, of.arn)
    return json.loads(re.sub(r"\balgo-(\d+)\b", lambda match: of.hosts[int(match[1]) - 1], text))


@pytest.mark.parametrize("rank", [0, 1])
def test_of_two_hosts_only_names_and_the_arn_differ(tmp_path: Path, clock: Any, rank: int) -> None:
    cluster = on_the_cluster(tmp_path, rank, count=2, clock=clock)
    assert sorted(cluster) == ["processingjobconfig.json", "resourceconfig.json"]
    assert cluster == renamed(in_local_mode(tmp_path, rank, count=2), of=job(2))


def test_what_the_operator_writes_is_what_the_agent_reads() -> None:
    work = job(2)
    found = ProcessingDocument.parse(document(work))
    assert (found.request, found.arn, found.region, found.hosts) == (work.request, work.arn, "us-west-2", work.hosts)
    assert found.acts_as == 'pod\'s service account "data"'
    settings = work.settings
    assert (found.stop_grace_seconds, found.upload_seconds) == (settings.stop_grace_seconds, settings.upload_seconds)
    assert (found.sync_seconds, found.max_runtime_seconds) == (settings.checkpoint_sync_seconds, 600)
    assert found.volume_size == 30
