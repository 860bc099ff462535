"""The digits served by real containers: called through the Service, updated under load, scaled, broken, deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from sagebridge_local.stack import KubectlError

from node.code import ROOT
from node.images import Image
from node.jobs import SMALL, Jobs, changed
from node.node import Node
from node.pods import phase, pod
from node.serving_image import serving_image

EXAMPLE = ROOT / "examples" / "cluster" / "endpoint.yaml"
NAME, SERVICE = "digits", "digits-on-cluster"
ROW = ",".join(["0"] * 64)
# It calls without a pause and by a new connection each time, and tells of each failure; a file ends it.
CALL = """
import os, sys, time, urllib.request
url, body = sys.argv[1], sys.argv[2].encode()
answered, failures = 0, []
while not os.path.exists("/tmp/end"):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST"), timeout=30) as reply:
            last = reply.read().decode().strip()
            answered += 1
    except OSError as error:
        failures.append(repr(error))
        last = ""
    if answered == 1 and not failures:
        print("first", last, flush=True)
    time.sleep(0.02)
print("answered", answered, "failures", len(failures), failures[:5], "last", last, flush=True)
"""


@dataclass(frozen=True, kw_only=True)
class Served:
    """An Endpoint whose model was trained on the node, and the node."""

    node: Node
    namespace: str

    def apply(self, *changes: Mapping[str, Any]) -> None:
        """Apply the example, as small as this node is, with changes to its spec."""
        manifest = yaml.safe_load(EXAMPLE.read_text())
        cluster = {"image": serving_image().name, "resources": SMALL}
        manifest["spec"] = changed(manifest["spec"], {"cluster": cluster}, *changes)
        self.node.apply(manifest, namespace=self.namespace)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.node.get("smep", NAME, namespace=self.namespace).get("status", {})
        return found

    def ready(self) -> dict[str, Any]:
        found = self.status().get("conditions", [])
        return next((one for one in found if one["type"] == "Ready"), {})

    def wait(self, reason: str, *, revision_other_than: str = "") -> dict[str, Any]:
        """Wait until Ready has this reason, for this generation; the status."""

        def is_there() -> bool:
            status, generation = self.status(), self.node.get("smep", NAME, namespace=self.namespace)["metadata"]
            if status.get("observedGeneration") != generation["generation"]:
                return False
            is_other = not revision_other_than or status.get("endpointConfigName") != revision_other_than
            return self.ready().get("reason") == reason and is_other

        try:
            self.node.wait_for(f"{NAME}: {reason}", is_there)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{yaml.safe_dump(self.status())}") from error
        return self.status()

    def pods(self) -> list[str]:
        selector = f"--selector=sagebridge.io/endpoint={SERVICE}"
        return self.kubectl("get", "pods", selector, "--output=name").split()

    def kubectl(self, *arguments: str) -> str:
        return self.node.kubectl(f"--namespace={self.namespace}", *arguments)

    def begin_calls(self, name: str, image: Image) -> None:
        """Let a pod call the endpoint until `end_calls`."""
        url = self.status()["url"]
        self.node.apply(
            pod(name, image=image.name, command=["python3", "-c", CALL, url, ROW]), namespace=self.namespace
        )
        self.node.wait_for("it calls", lambda: phase(self.node, name, namespace=self.namespace) == "Running")
        self.node.wait_for("an answer", lambda: "first" in self.kubectl("logs", name))

    def end_calls(self, name: str) -> str:
        """What it tells in the end."""
        self.kubectl("exec", name, "--", "touch", "/tmp/end")
        self.node.wait_for(
            "the calls end", lambda: phase(self.node, name, namespace=self.namespace) in {"Succeeded", "Failed"}
        )
        return self.kubectl("logs", name).splitlines()[-1]


@pytest.fixture(scope="module")
def served(gpu_node: Node) -> Iterator[Served]:
    """The example's Endpoint in service, of a model that was trained here."""
    gpu_node.load(serving_image())
    with gpu_node.namespace() as namespace:
        jobs = Jobs(gpu_node, namespace)
        jobs.put_code()
        found = Served(node=gpu_node, namespace=namespace)
        # Before there is a model: the endpoint waits for it.
        found.apply()
        found.wait("WaitingForReference")
        jobs.apply("digits-parallel", {"hyperParameters": {"epochs": 5}})
        found.wait("InService")
        yield found


def test_the_model_of_a_training_job_is_served_through_a_service(served: Served, python: Image) -> None:
    status = served.status()
    assert (status["endpointStatus"], status["replicas"]) == ("InService", 2)
    assert status["url"] == f"http://{SERVICE}.{served.namespace}.svc.cluster.local/invocations"
    [model] = status["servedModels"]
    assert model["containers"][0]["modelRef"]["name"] == "digits-parallel"
    served.begin_calls("once", python)
    told = served.end_calls("once")
    assert "failures 0" in told
    assert told.rpartition("last ")[2].isdecimal()


def test_an_update_under_a_stream_of_requests_loses_none(served: Served, python: Image) -> None:
    before = served.status()["endpointConfigName"]
    old = set(served.pods())
    served.begin_calls("stream", python)
    served.apply(_answers("probability"))
    after = served.wait("InService", revision_other_than=before)
    served.node.wait_for("the old pods are gone", lambda: not old & set(served.pods()))
    told = served.end_calls("stream")
    assert "failures 0" in told, told
    assert "," in told.rpartition("last ")[2], "the new version answers"
    assert after["endpointStatus"] == "InService"


def test_a_broken_update_goes_back_and_nobody_notices(served: Served, python: Image) -> None:
    good = served.status()["endpointConfigName"]
    old = set(served.pods())
    served.begin_calls("meanwhile", python)
    broken = {"name": "digits", "modelDataUrl": "s3://sagebridge-local/nothing/model.tar.gz", "image": "any:1"}
    served.apply({"models": [broken]})
    status = served.wait("UpdateFailed")
    assert "Failed to download model data" in served.ready()["message"]
    assert "s3://sagebridge-local/nothing/model.tar.gz" in status["failureReason"]
    served.node.wait_for("only the old pods are left", lambda: set(served.pods()) == old)
    served.node.wait_for("it has gone back", lambda: served.status()["endpointStatus"] == "InService")
    assert served.status()["endpointConfigName"] == good
    told = served.end_calls("meanwhile")
    assert "failures 0" in told, told

    served.apply(_answers("probability"))
    assert "failureReason" not in served.wait("InService")
    assert set(served.pods()) == old


def test_kubectl_scales_it(served: Served) -> None:
    served.wait("InService")
    served.kubectl("scale", f"smep/{NAME}", "--replicas=1")
    served.node.wait_for("one pod is left", lambda: len(served.pods()) == 1)
    served.node.wait_for("the status tells", lambda: served.status().get("replicas") == 1)
    deployment = served.node.get("deployment", SERVICE, namespace=served.namespace)
    assert deployment["spec"]["replicas"] == 1


def test_a_deletion_takes_all_of_it(served: Served) -> None:
    served.kubectl("delete", f"smep/{NAME}", "--wait=false")
    served.node.wait_for("the object is gone", lambda: not _is_there(served, "smep", NAME))
    assert served.pods() == []
    for kind in ("deployment", "service"):
        assert not _is_there(served, kind, SERVICE), kind


def _answers(what: str) -> dict[str, Any]:
    reference = {"kind": "TrainingJob", "name": "digits-parallel"}
    return {"models": [{"name": "digits", "modelRef": reference, "environment": {"ANSWER": what}}]}


def _is_there(served: Served, kind: str, name: str) -> bool:
    try:
        return bool(json.loads(served.kubectl("get", kind, name, "--output=json")))
    except KubectlError as error:
        if "NotFound" not in str(error):
            raise
        return False
