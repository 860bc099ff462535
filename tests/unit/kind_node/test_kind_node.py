"""The life of kind's node: created, reached, given images, hurt and repaired, deleted however its creation went."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from node.images import Image
from node.kind_node import KindNode, KindPlace
from node.layers import files
from node.places import take
from sagebridge_local.stack import StackError
from sagebridge_local.stack.ports import LOOPBACK

if TYPE_CHECKING:
    from unit.kind_node.conftest import Programs

ELSEWHERE = "203.0.113.1"
INSPECT = ("docker", "container", "inspect")


@pytest.fixture
def healthy(programs: Programs) -> Programs:
    """All that is asked for succeeds; docker's network begins at this machine."""
    programs.install("docker", "kind", "kubectl")
    programs.answer(*INSPECT, out=f"{LOOPBACK} \n")
    programs.answer("kubectl", "get", "node", out="True")
    return programs


def names(programs: Programs) -> set[str]:
    """Of the clusters that kind was told of."""
    return {word.removeprefix("--name=") for words in programs.words() for word in words if word.startswith("--name=")}


def node_of(programs: Programs) -> str:
    [name] = names(programs)
    return f"{name}-control-plane"


def test_it_is_created_made_ready_and_deleted(healthy: Programs) -> None:
    with KindNode.start() as node:
        assert node.name == node_of(healthy)
        assert node.host == LOOPBACK
        assert [words[1] for words in healthy.words("kind")] == ["create"]

    assert [words[1] for words in healthy.words("kind")] == ["create", "delete"]
    assert not node.directory.exists()
    name = node.name
    probe, *rest = healthy.lines("docker")[1:]
    assert probe.startswith(f"docker exec {name} timeout 10 bash -c exec 3<>/dev/tcp/{LOOPBACK}/")
    assert rest == [
        f"docker exec {name} systemctl start containerd",
        f"docker exec {name} systemctl start kubelet",
        f"docker exec {name} ctr version",
    ]


def test_what_drives_jobs_away_leaves_the_clusters_names_there(healthy: Programs) -> None:
    with KindNode.start():
        [patch] = healthy.words("kubectl", "patch")

    assert patch[2:4] == ["deployment/coredns", "--namespace=kube-system"]
    changed = json.loads(patch[4].removeprefix("--patch="))
    assert changed["spec"]["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]
    assert "kubectl rollout status deployment/coredns --namespace=kube-system --timeout=180s" in healthy.lines(
        "kubectl"
    )


def test_kubectl_asks_its_cluster_and_no_other(healthy: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/home/somebody/.kube/config")

    with KindNode.start() as node:
        [create] = healthy.words("kind", "create")
        used = {call.environment["KUBECONFIG"] for call in healthy.calls if call.words[0] == "kubectl"}

    assert used == {str(node.kubeconfig)}
    assert f"--kubeconfig={node.kubeconfig}" in create


@pytest.mark.parametrize(
    ("fails", "reason"),
    [
        (("kind", "create"), "the node's container does not come up"),
        (("kubectl", "patch"), "it is up, and its API server refuses"),
        (("docker", "exec"), "it is up, and docker loses it"),
    ],
)
def test_a_creation_that_fails_half_way_leaves_nothing(
    healthy: Programs, fails: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    healthy.answer(*fails, error="it broke\n", status=1)

    with pytest.raises((RuntimeError, StackError)), KindNode.start():
        pytest.fail("it has begun")

    [delete] = healthy.words("kind", "delete")
    assert healthy.words()[-1] == delete
    assert len(names(healthy)) == 1, reason
    assert [each for each in (tmp_path / "temporary").rglob("*") if each.name in ("cluster", "kubeconfig")] == []


def test_a_cluster_that_a_killed_run_left_is_deleted_at_the_next_start(healthy: Programs) -> None:
    with take(KindPlace) as place:
        left = place.cluster.name
        killed = KindPlace(index=place.index + 1)
        assert killed.cluster.name != left
        lost = killed.name

    with KindNode.start() as node:
        assert f"{lost}-control-plane" != node.name
        deleted = [words[3] for words in healthy.words("kind", "delete")]

    assert deleted == [f"--name={left}", f"--name={lost}"]
    assert not killed.directory.exists()


def test_a_cluster_that_can_not_be_deleted_is_remembered(healthy: Programs) -> None:
    healthy.answer("kind", "delete", error="the daemon is gone\n", status=1)

    with pytest.raises(RuntimeError, match="the daemon is gone"), KindNode.start() as node:
        pass
    healthy.answer("kind", "delete")
    with take(KindPlace):
        pass

    assert len(names(healthy)) == 1
    assert not node.directory.exists()


def test_another_users_cluster_is_not_touched(healthy: Programs, tmp_path: Path) -> None:
    """Their folders are elsewhere, and docker is the same."""
    with KindNode.start() as mine:
        pass
    with KindNode.start() as theirs:
        pass

    assert mine.directory == theirs.directory
    assert mine.name != theirs.name


def test_where_docker_runs_in_a_virtual_machine_its_name_for_this_one_is_used(healthy: Programs) -> None:
    healthy.answer(*INSPECT, out=f"{ELSEWHERE} \n")
    healthy.answer("docker", "exec", out="192.0.2.10 STREAM host.docker.internal\n192.0.2.10 DGRAM\n")

    with KindNode.start() as node, socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        host, _, outer = node.expose(port).partition(":")

        assert (node.host, host) == ("192.0.2.10", "192.0.2.10")
        assert int(outer) != port
        assert said_through((LOOPBACK, int(outer)), server) == b"hello"
        node.conceal(port)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, int(outer)), timeout=5)
        assert node.expose(port) == f"{host}:{outer}"


@pytest.mark.parametrize(
    ("gateway", "tried", "reason"),
    [
        (f"{ELSEWHERE} \n", ELSEWHERE, "docker without root, or on another machine"),
        ("\n", "nothing, for there is no way out of it", "a network that leads nowhere"),
    ],
)
def test_a_machine_that_pods_can_not_reach_is_told(healthy: Programs, gateway: str, tried: str, reason: str) -> None:
    healthy.answer(*INSPECT, out=gateway)
    healthy.answer("docker", "exec", status=2)

    with pytest.raises(RuntimeError) as raised, KindNode.start():
        pytest.fail("it has begun")

    assert f"The node can't reach this machine; tried: {tried}." in str(raised.value), reason
    assert healthy.words()[-1][:2] == ["kind", "delete"]


def test_a_firewall_between_docker_and_this_machine_is_noticed(healthy: Programs) -> None:
    healthy.answer("docker", "exec", status=124)

    with pytest.raises(RuntimeError, match=f"tried: {LOOPBACK}. Is there a firewall"), KindNode.start():
        pytest.fail("it has begun")


def test_images_that_the_node_has_are_not_given_again(healthy: Programs) -> None:
    def image(content: str) -> Image:
        return Image(name="localhost/one:1", layers=(files({"/one": content}),))

    with KindNode.start() as node:
        node.load(image("1"))
        node.load(image("1"), image("1"))
        once = len(healthy.words("kind", "load"))
        node.load(image("2"))
        twice = len(healthy.words("kind", "load"))

    assert (once, twice) == (1, 2)


@pytest.mark.parametrize("program", ["kubelet", "containerd", "kube-proxy", "coredns"])
def test_a_program_is_killed_by_its_exact_name(healthy: Programs, program: str) -> None:
    """The processes of running containers have names that begin with containerd's."""
    with KindNode.start() as node:
        node.kill(program)
        last = healthy.words()[-1]

    assert last == ["docker", "exec", node.name, "pkill", "-KILL", "--exact", program]


def test_faults_are_those_of_the_nodes_own_processes(healthy: Programs) -> None:
    with KindNode.start() as node:
        node.run("pkill", "-TERM", "-f", "train_parallel.py")
        node.add_taint("reclaimed", effect="NoExecute")
        last = healthy.words()[-2:]

    assert last == [
        ["docker", "exec", node.name, "pkill", "-TERM", "-f", "train_parallel.py"],
        ["kubectl", "taint", "node", node.name, "reclaimed=:NoExecute", "--overwrite"],
    ]


def test_gpus_are_a_capacity_that_the_node_is_told_of(healthy: Programs) -> None:
    with KindNode.start() as node:
        healthy.answer("kubectl", "get", "node", out='{"status": {"allocatable": {"nvidia.com/gpu": "4"}}}')
        node.set_capacity("nvidia.com/gpu", 4)
        [patch] = healthy.words("kubectl", "patch", "node")

    assert patch[3:6] == [node.name, "--subresource=status", "--type=json"]
    assert json.loads(patch[6].removeprefix("--patch=")) == [
        {"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "4"}
    ]


def test_what_a_run_needs_can_be_made_before(healthy: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.programs.trainer", lambda: Path("/built/trainer"))

    made = list(KindNode.prepare())

    pull, *builds = healthy.words()
    assert pull == ["docker", "pull", "--quiet", made[0]]
    assert made[1] == "/built/trainer"
    assert [build[:2] for build in builds] == [["docker", "build"]] * 2
    assert [build[3] for build in builds] == [f"--tag={image}" for image in made[2:]]


def said_through(address: tuple[str, int], server: socket.socket) -> bytes:
    """What comes out of a relay; whoever only looked whether it answers has said nothing."""
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(b"hello")
        client.shutdown(socket.SHUT_WR)
        while True:
            connection, _ = server.accept()
            with connection:
                if said := connection.recv(5, socket.MSG_WAITALL):
                    return said
