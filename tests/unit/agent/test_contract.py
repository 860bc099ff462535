"""What the containers of a job on the cluster are told, beside local mode's for the same request.

The differences are those that docs/cluster/agent.md lists: the hosts' names, their order beyond nine, and the ARN.
`python tests/unit/agent/test_contract.py` writes the goldens anew.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from sagebridge.agent import script
from sagebridge.agent.document import Document
from sagebridge.agent.host import Host
from sagebridge.agent.places import Places
from sagebridge.core.container import config
from sagebridge.core.container.entry_point import EntryPointKind
from sagebridge.core.container.job import Machine, container_job
from sagebridge.core.container.layout import Layout
from sagebridge_local.runtime import host as local_mode

GOLDEN = Path(__file__).parent / "golden"
LOCAL_ARN = "arn:aws:sagemaker:us-west-2:123456789012:training-job/job-1"
CLUSTER_ARN = "arn:aws:sagebridge:us-west-2:team-a:training-job/job-1"
MACHINE = Machine(cpus=48, gpus=4)
IMAGE = "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.3-gpu-py311"


def request(count: int) -> dict[str, Any]:
    def channel(name: str, **members: Any) -> dict[str, Any]:
        s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{name}/", **members.pop("s3", {})}
        return {"ChannelName": name, "DataSource": {"S3DataSource": s3}, **members}

    return {
        "TrainingJobName": "job-1",
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://bucket/code/sourcedir.tar.gz"',
            "sagemaker_region": '"us-west-2"',
            "sagemaker_job_name": '"job-1"',
            "sagemaker_torch_distributed_enabled": "true",
            "epochs": "10",
            "name": '"resnet 50"',
            "path": "/opt/ml/input/data/train",
        },
        "InputDataConfig": [
            channel("train", ContentType="text/csv", s3={"S3DataDistributionType": "ShardedByS3Key"}),
            channel("fast", InputMode="FastFile"),
        ],
        "ResourceConfig": {"InstanceType": "ml.g5.12xlarge", "InstanceCount": count, "VolumeSizeInGB": 100},
        "Environment": {"MODE": "fast"},
    }


def on_the_cluster(rank: int, *, count: int) -> dict[str, Any]:
    """What a host of the cluster gets."""
    document = {
        "version": 1,
        "request": request(count),
        "arn": CLUSTER_ARN,
        "region": "us-west-2",
        "hosts": [f"job-1-{index}" for index in range(count)],
        "instanceType": "ml.g5.12xlarge",
        "machine": {"cpus": MACHINE.cpus, "gpus": MACHINE.gpus, "neurons": 0},
        "networkInterface": "eth0",
        "launch": "script",
        "mounted": [],
        "stopGraceSeconds": 120,
        "checkpointSyncSeconds": 30,
        "uploadSeconds": 900,
        "serviceAccount": "default",
    }
    host = Host(Document.parse(json.dumps(document)), rank, Places(ml=Path("/nowhere/ml")))
    launch = script.launch(host, EntryPointKind.PROGRAM)
    return {
        "files": decoded(config.config_files(host.job, host=host.name, layout=Layout())),
        "command": launch["command"],
        "environment": decoded(launch["environment"]),
    }


def in_local_mode(index: int, *, count: int) -> dict[str, Any]:
    """What the same host gets in local mode, were its directory /opt."""
    job = container_job(request(count), arn=LOCAL_ARN, region="us-west-2")
    host = local_mode.Host(name=f"algo-{index + 1}", root=Path("/opt"), job=job)
    launch = local_mode.script_launch(
        host,
        base={},
        machine=MACHINE,
        python="python3",
        kind=EntryPointKind.PROGRAM,
        module="sagemaker_pytorch_container.training:main",
    )
    environment = dict(launch.environment)
    for name in ("SAGEMAKER_BASE_DIR", "PYTHONPATH"):  # local mode's directories
        del environment[name]
    return {
        "files": decoded(config.config_files(job, host=host.name, layout=host.layout)),
        # All of local mode's hosts are one machine; SageMaker has the first host's name here.
        "command": ["algo-1" if word == "127.0.0.1" else word for word in launch.command],
        "environment": decoded(environment),
    }


def decoded(texts: dict[str, str]) -> dict[str, Any]:
    """Values that are JSON documents, as such: to be compared and read."""
    return {name: json.loads(text) if text[:1] in ("{", "[") else text for name, text in sorted(texts.items())}


def renamed(contract: Any) -> Any:
    """Local mode's contract with the names that the cluster has."""
    text = json.dumps(contract).replace(LOCAL_ARN, CLUSTER_ARN)
    return json.loads(re.sub(r"\balgo-(\d+)\b", lambda match: f"job-1-{int(match[1]) - 1}", text))


def by_rank(contract: Any) -> Any:
    """Lists of hosts, however deep, in the order of their ranks."""
    if isinstance(contract, dict):
        return {name: by_rank(value) for name, value in contract.items()}
    if isinstance(contract, list) and contract and all(re.fullmatch(r"job-1-\d+", str(each)) for each in contract):
        return sorted(contract, key=lambda name: int(name.rpartition("-")[2]))
    return [by_rank(each) for each in contract] if isinstance(contract, list) else contract


@pytest.mark.parametrize("rank", [0, 1])
def test_of_two_hosts_only_names_and_the_arn_differ(rank: int) -> None:
    assert on_the_cluster(rank, count=2) == renamed(in_local_mode(rank, count=2))


@pytest.mark.parametrize("rank", [0, 1, 9, 10])
def test_beyond_nine_hosts_their_order_differs_too(rank: int) -> None:
    cluster, local = on_the_cluster(rank, count=11), renamed(in_local_mode(rank, count=11))
    assert cluster != local
    assert cluster["files"]["resourceconfig.json"]["hosts"] == [f"job-1-{index}" for index in range(11)]
    place = cluster["command"].index("--node_rank") + 1
    assert cluster["command"][place] == str(rank)
    local["command"][place] = str(rank)  # a host's rank is its place in that order
    assert cluster == by_rank(local)


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize(("name", "contract"), [("cluster", on_the_cluster), ("local", in_local_mode)])
def test_golden(name: str, contract: Any, rank: int) -> None:
    want = json.loads((GOLDEN / f"{name}-{rank}.json").read_text())
    assert contract(rank, count=2) == want


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for rank in range(2):
        for name, contract in (("cluster", on_the_cluster), ("local", in_local_mode)):
            text = json.dumps(contract(rank, count=2), indent=2)
            (GOLDEN / f"{name}-{rank}.json").write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
