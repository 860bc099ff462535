"""The pipeline of the digits, where it is run: an operator with its log service, and a local SageMaker that trains."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import kubernetes
from integration.operator.pairs import own_world
from integration.operator.world import Cluster, World
from sagebridge_local.stack.aws import BUCKET
from support.jobs import Jobs
from support.kfp_runner import Cache, Compiled, Finished, Place, Pod, Run
from support.processes import Spawns
from support.steps import ACCOUNT, grant

ROOT = Path(__file__).parents[2]
CODE = ROOT / "examples/digits"
EXAMPLE = ROOT / "examples/pipelines/digits"
KINDS = {"HPTuningJob": "hptuningjobs", "TrainingJob": "trainingjobs", "BatchTransform": "batchtransforms"}
CREATES = ("CreateHyperParameterTuningJob", "CreateTrainingJob", "CreateTransformJob")


@dataclass(frozen=True, kw_only=True)
class Digits:
    """Where the pipeline is run.

    Attributes:
        world: the namespace, and what stands behind it.
        place: where the runner's pods are.
        compiled: the pipeline.
        source: its code on S3.
    """

    world: World
    place: Place
    compiled: Compiled
    source: str

    def run(
        self,
        cache: Cache,
        *,
        compiled: Compiled | None = None,
        watch: Callable[[Pod], None] = lambda pod: None,
        **arguments: Any,
    ) -> Run:
        """A run of a small search."""
        return Run(
            compiled or self.compiled,
            place=self.place,
            arguments={"source": self.source, "trials": 2, "epochs": 8, **arguments},
            cache=cache,
            watch=watch,
        )

    def objects(self, kind: str, run: Run) -> list[dict[str, Any]]:
        """What the tasks of a run have made of a kind."""
        listed = Jobs(self.world.cluster.client, self.world.namespace, kind=kind, plural=KINDS[kind]).list()
        return [one for one in listed if one["metadata"]["labels"].get("sagebridge.io/pipeline-run") == run.id]

    def created(self) -> dict[str, int]:
        """How many jobs of each kind the operator has begun in SageMaker so far."""
        return {operation: self.world.count(operation, outcome="OK") for operation in CREATES}

    def predictions(self, finished: Finished, task: str) -> list[list[str]]:
        """What a batch transform has predicted: label and answer of each row."""
        uri = finished[task].outputs.parameters["output_uri"]
        text = self._body(f"{uri.rstrip('/')}/held-out.csv.out").decode()
        return [line.split(",") for line in text.splitlines()]

    def model(self, uri: str) -> Any:
        """The estimator in an archive that a job has made."""
        with tarfile.open(fileobj=io.BytesIO(self._body(uri))) as archive:
            return joblib.load(archive.extractfile("model.joblib"))

    def accuracy(self, model: Any) -> float:
        """How much of the jobs' validation data an estimator reads rightly, asked as inference.py does."""
        rows = self._body(f"s3://{BUCKET}/digits/validation/validation.csv").decode().splitlines()
        labels, pixels = zip(*(row.split(",", maxsplit=1) for row in rows), strict=True)
        code = runpy.run_path(str(CODE / "inference.py"))
        probabilities = code["predict_fn"](code["input_fn"]("\n".join(pixels), "text/csv"), model)
        answers = code["output_fn"](probabilities, "text/csv")[0].splitlines()
        return sum(label == answer for label, answer in zip(labels, answers, strict=True)) / len(labels)

    def endpoints(self) -> list[str]:
        """The endpoints that are in SageMaker now."""
        listed = self.world.simulator.client("sagemaker").list_endpoints(NameContains=self.world.namespace)
        return [one["EndpointName"] for one in listed["Endpoints"]]

    def _body(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.world.simulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


@contextmanager
def digits(directory: Path, *, cluster: Cluster, spawns: Spawns) -> Iterator[Digits]:
    """A namespace with all that the pipeline needs: data, code, rights, operator, log service."""
    with own_world(directory, cluster=cluster, spawns=spawns, arguments=(), serves_logs=True) as world:
        config = cluster.control_plane.kubeconfig
        kubeconfig = grant(cluster.client, world.namespace, kubeconfig=config, into=directory)
        _let_read_the_authority(cluster.client, world.namespace)
        aws = world.simulator.aws_environment
        yield Digits(
            world=world,
            place=Place(directory=directory, environment={**aws, "KUBECONFIG": str(kubeconfig)}),
            compiled=compiled(directory),
            source=prepared(aws, directory),
        )


def compiled(directory: Path) -> Compiled:
    """The example, compiled as its page tells."""
    _call([sys.executable, str(EXAMPLE / "pipeline.py")], {}, directory)
    return Compiled.load(directory / "digits.yaml")


def prepared(aws: Mapping[str, str], directory: Path) -> str:
    """Write data and code to S3 as the page tells; where the code is."""
    _call([sys.executable, str(CODE / "data.py"), f"s3://{BUCKET}/digits"], aws, directory)
    push = [sys.executable, "-m", "sagebridge.cli.main", "source", "push", str(CODE), f"s3://{BUCKET}/code"]
    return _call([*push, "--exclude", "*.yaml"], aws, directory).strip()


def _call(command: Sequence[str], environment: Mapping[str, str], directory: Path) -> str:
    answer = subprocess.run(
        command, cwd=directory, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def _let_read_the_authority(kube: kubernetes.client.ApiClient, namespace: str) -> None:
    """As the chart does: whoever has a service account may read whom the log service's certificate is from."""
    rbac, metadata = kubernetes.client.RbacAuthorizationV1Api(kube), {"name": "logs-ca"}
    rule = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["sagebridge-logs-ca"], "verbs": ["get"]}
    rbac.create_namespaced_role(namespace, {"metadata": metadata, "rules": [rule]})
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "logs-ca"}
    rbac.create_namespaced_role_binding(namespace, {"metadata": metadata, "subjects": [subject], "roleRef": role})
