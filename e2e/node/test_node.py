"""The node runs what the cluster's own nodes run: pods, with logs, exec, names, volumes and limits."""

from __future__ import annotations

import pytest
from sagebridge_local.stack import KubectlError

from node import programs
from node.images import Image
from node.layers import files
from node.node import Node
from node.pods import condition, indexed_job, phase, pod, rendezvous

GPU = "nvidia.com/gpu"

GREET_EACH_OTHER = """
import os, socket, time

job, index, pods = os.environ["JOB"], int(os.environ["JOB_COMPLETION_INDEX"]), 2
assert socket.gethostname() == f"{job}-{index}", socket.gethostname()
with socket.create_server(("", 7777)) as server:
    for other in range(pods):
        for _ in range(600):
            try:
                socket.create_connection((f"{job}-{other}", 7777), timeout=5).sendall(bytes([index]))
                break
            except OSError as error:
                problem = error
                time.sleep(0.1)
        else:
            raise SystemExit(f"{job}-{other}: {problem}")
    heard = {server.accept()[0].recv(1)[0] for _ in range(pods)}
assert heard == set(range(pods)), heard
print("heard", sorted(heard))
"""


def test_the_node_is_ready(node: Node) -> None:
    assert condition(node, "node", node.name, namespace="default", of="Ready")["status"] == "True"


def test_a_pod_can_be_read_and_entered(node: Node, python: Image, namespace: str) -> None:
    node.apply(pod("talks", image=python.name, command=["sh", "-c", "echo hello; exec sleep 600"]), namespace=namespace)
    node.wait_for("the pod runs", lambda: phase(node, "talks", namespace=namespace) == "Running")
    inside = ("exec", "talks", f"--namespace={namespace}", "--")

    node.wait_for("it has talked", lambda: bool(node.kubectl("logs", "talks", f"--namespace={namespace}")))
    assert node.kubectl("logs", "talks", f"--namespace={namespace}") == "hello\n"
    assert node.kubectl(*inside, "python3", "-c", "print(6 * 7)") == "42\n"
    with pytest.raises(KubectlError, match="exit code 3"):
        node.kubectl(*inside, "sh", "-c", "exit 3")


def test_pods_of_a_job_share_the_gpus_and_find_each_other_by_name(node: Node, python: Image, namespace: str) -> None:
    node.set_capacity(GPU, 4)
    container = {
        "image": python.name,
        "command": ["python3", "-c", GREET_EACH_OTHER],
        "env": [{"name": "JOB", "value": "pair"}],
        "resources": {"limits": {GPU: "2"}},
    }
    job = indexed_job("pair", pods=2, container=container, searches=[f"pair.{namespace}.svc.cluster.local"])

    node.apply(rendezvous("pair"), job, namespace=namespace)

    ended = {"Complete", "Failed"}
    node.wait_for(
        "the job ends", lambda: any(condition(node, "job", "pair", namespace=namespace, of=each) for each in ended)
    )
    assert condition(node, "job", "pair", namespace=namespace, of="Complete")["status"] == "True"


def test_a_pod_that_asks_for_more_gpus_than_there_are_waits(node: Node, python: Image, namespace: str) -> None:
    node.set_capacity(GPU, 4)
    asks = pod("greedy", image=python.name, command=["true"])
    asks["spec"]["containers"][0]["resources"] = {"limits": {GPU: "5"}}

    node.apply(asks, namespace=namespace)

    def told() -> str:
        return condition(node, "pod", "greedy", namespace=namespace, of="PodScheduled").get("message", "")

    node.wait_for("the scheduler says why", lambda: bool(told()))
    assert f"Insufficient {GPU}" in told()


def test_the_api_server_is_reached_through_its_service(node: Node, python: Image, namespace: str) -> None:
    asks = (
        "import ssl, urllib.request as r\n"
        "at = '/var/run/secrets/kubernetes.io/serviceaccount'\n"
        "trust = ssl.create_default_context(cafile=f'{at}/ca.crt')\n"
        "headers = {'Authorization': 'Bearer ' + open(f'{at}/token').read()}\n"
        "request = r.Request('https://kubernetes.default.svc/version', headers=headers)\n"
        "print(r.urlopen(request, context=trust).status)\n"
    )
    node.apply(pod("asks", image=python.name, command=["python3", "-c", asks]), namespace=namespace)

    node.wait_for("the pod ends", lambda: phase(node, "asks", namespace=namespace) in {"Succeeded", "Failed"})

    assert node.kubectl("logs", "asks", f"--namespace={namespace}") == "200\n"


def test_a_pod_that_fills_its_volume_is_evicted(node: Node, python: Image, namespace: str) -> None:
    fills = pod("fills", image=python.name, command=["sh", "-c", "head -c 8M /dev/zero > /data/full; exec sleep 600"])
    fills["spec"]["volumes"] = [{"name": "data", "emptyDir": {"sizeLimit": "1Mi"}}]
    fills["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]

    node.apply(fills, namespace=namespace)

    node.wait_for("the pod is evicted", lambda: phase(node, "fills", namespace=namespace) == "Failed")
    status = node.get("pod", "fills", namespace=namespace)["status"]
    assert status["reason"] == "Evicted"
    assert 'EmptyDir volume "data" exceeds the limit "1Mi"' in status["message"]


def test_an_image_of_one_program_trains(node: Node, namespace: str) -> None:
    image = Image(
        name="localhost/trainer:1", layers=(files({"/trainer": programs.trainer()}),), entrypoint=("/trainer",)
    )
    node.load(image)

    node.apply(pod("trains", image=image.name, arguments=["train"]), namespace=namespace)

    node.wait_for("the pod ends", lambda: phase(node, "trains", namespace=namespace) in {"Succeeded", "Failed"})
    assert phase(node, "trains", namespace=namespace) == "Succeeded"
    assert node.kubectl("logs", "trains", f"--namespace={namespace}") == "training with {}\n"
    with pytest.raises(KubectlError):
        node.kubectl("exec", "trains", f"--namespace={namespace}", "--", "sh")


def test_a_taint_drives_pods_away(node: Node, python: Image, namespace: str) -> None:
    node.apply(pod("stays", image=python.name, command=["sleep", "600"]), namespace=namespace)
    node.wait_for("the pod runs", lambda: phase(node, "stays", namespace=namespace) == "Running")

    node.add_taint("sagebridge.io/reclaimed", effect="NoExecute")

    def gone() -> bool:
        return not node.kubectl("get", "pods", f"--namespace={namespace}", "--output=name")

    try:
        node.wait_for("the pod is gone", gone)
    finally:
        node.remove_taint("sagebridge.io/reclaimed", effect="NoExecute")


@pytest.mark.parametrize("program", ["kubelet", "containerd"])
def test_pods_outlive_the_nodes_programs(node: Node, python: Image, namespace: str, program: str) -> None:
    node.apply(pod("stays", image=python.name, command=["sleep", "600"]), namespace=namespace)
    node.wait_for("the pod runs", lambda: phase(node, "stays", namespace=namespace) == "Running")
    before = node.get("pod", "stays", namespace=namespace)["status"]["containerStatuses"][0]["containerID"]

    node.kill(program)
    node.repair()

    node.wait_for("it can be entered", lambda: can_be_entered(node, "stays", namespace=namespace))
    after = node.get("pod", "stays", namespace=namespace)["status"]["containerStatuses"][0]
    assert (after["containerID"], after["restartCount"]) == (before, 0)


def can_be_entered(node: Node, name: str, *, namespace: str) -> bool:
    """Whether a pod answers; the kubelet comes back to a runtime that was away after a pause of some seconds."""
    try:
        return node.kubectl("exec", name, f"--namespace={namespace}", "--", "echo", "here") == "here\n"
    except KubectlError:
        return False
