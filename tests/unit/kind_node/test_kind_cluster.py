"""What docker and kind are told: the cluster's configuration, and each command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from node.images import Image
from node.kind_cluster import NODE_IMAGE, KindCluster, configuration
from node.layers import files
from sagebridge_local.paths import module_directory

if TYPE_CHECKING:
    from unit.kind_node.conftest import Programs

# The fields of kind's v1alpha4 that there are, and what is in them: https://kind.sigs.k8s.io/docs/user/configuration/
# Its own reader refuses all others.
FIELDS: dict[str, Any] = {
    "kind": str,
    "apiVersion": str,
    "name": str,
    "nodes": [
        {
            "role": str,
            "image": str,
            "labels": dict,
            "extraMounts": [dict],
            "extraPortMappings": [dict],
            "kubeadmConfigPatches": [str],
            "kubeadmConfigPatchesJSON6902": [dict],
        }
    ],
    "networking": dict,
    "featureGates": dict,
    "runtimeConfig": dict,
    "kubeadmConfigPatches": [str],
    "kubeadmConfigPatchesJSON6902": [dict],
    "containerdConfigPatches": [str],
    "containerdConfigPatchesJSON6902": [str],
}


def assert_fits(value: object, shape: Any) -> None:
    if isinstance(shape, dict):
        assert isinstance(value, dict)
        assert value.keys() <= shape.keys()
        for name, each in value.items():
            assert_fits(each, shape[name])
    elif isinstance(shape, list):
        assert isinstance(value, list)
        for each in value:
            assert_fits(each, shape[0])
    else:
        assert isinstance(value, shape)


@pytest.fixture
def cluster(programs: Programs, tmp_path: Path) -> KindCluster:
    programs.install("docker", "kind")
    return KindCluster(name="sagebridge-1", kubeconfig=tmp_path / "kubeconfig")


def test_the_configuration_is_one_that_kind_reads() -> None:
    made = configuration()

    assert_fits(made, FIELDS)
    assert (made["kind"], made["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert [node["role"] for node in made["nodes"]] == ["control-plane"]


def test_the_kubelet_notices_a_full_volume_as_soon_as_ours() -> None:
    [patch] = [yaml.safe_load(text) for text in configuration()["kubeadmConfigPatches"]]

    assert (patch["apiVersion"], patch["kind"]) == ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration")
    assert patch["volumeStatsAggPeriod"] == "2s"


def test_the_node_is_of_the_control_planes_minor_version_and_pinned() -> None:
    required = re.search(r"k8s\.io/kubernetes (v\d+\.\d+)\.", (module_directory("controlplane") / "go.mod").read_text())

    assert required
    assert re.fullmatch(rf"docker\.io/kindest/node:{required[1]}\.\d+@sha256:[0-9a-f]{{64}}", NODE_IMAGE)


def test_create(programs: Programs, cluster: KindCluster) -> None:
    cluster.create()

    [words] = programs.words()
    config = next(word for word in words if word.startswith("--config="))
    assert words == [
        *("kind", "create", "cluster", "--name=sagebridge-1", config),
        *(f"--kubeconfig={cluster.kubeconfig}", "--wait=300s"),
    ]
    assert yaml.safe_load(programs.file("--config")) == configuration()


def test_delete(programs: Programs, cluster: KindCluster) -> None:
    cluster.delete()

    assert programs.lines("kind") == [
        f"kind delete cluster --name=sagebridge-1 --kubeconfig={cluster.kubeconfig}",
    ]


def test_an_image_is_built_packed_and_given_to_the_node(programs: Programs, cluster: KindCluster) -> None:
    cluster.load(Image(name="localhost/one:1", layers=(files({"/one": "#!/bin/sh\n"}),)))

    build, save, load = programs.words()
    archive = save[2].removeprefix("--output=")
    assert build[:2] == ["docker", "build"]
    assert save == ["docker", "save", f"--output={archive}", "localhost/one:1"]
    assert load == ["kind", "load", "image-archive", archive, "--name=sagebridge-1"]
    assert not Path(archive).parent.exists()


def test_a_command_runs_in_the_nodes_container(programs: Programs, cluster: KindCluster) -> None:
    programs.answer("docker", "exec", out="7\n")

    assert cluster.run("pkill", "-f", "train.py") == "7\n"
    assert programs.lines("docker") == ["docker exec sagebridge-1-control-plane pkill -f train.py"]


@pytest.mark.parametrize(
    ("said", "want", "reason"),
    [
        ("172.18.0.1 \n", ["172.18.0.1"], "kind's network"),
        ("172.18.0.1 172.17.0.1 \n", ["172.18.0.1", "172.17.0.1"], "somebody has connected it to another"),
        (" \n", [], "a network without a way out"),
    ],
)
def test_gateways(programs: Programs, cluster: KindCluster, said: str, want: list[str], reason: str) -> None:
    programs.answer("docker", "container", "inspect", out=said)

    assert cluster.gateways() == want, reason
    assert programs.words() == [
        [
            *("docker", "container", "inspect"),
            *("--format={{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}", "sagebridge-1-control-plane"),
        ]
    ]


def test_a_failure_tells_what_was_said(programs: Programs, cluster: KindCluster) -> None:
    programs.answer("kind", "delete", error="ERROR: failed to list nodes\n", status=1)

    with pytest.raises(RuntimeError, match=r"kind delete cluster .* failed \(1\):\nERROR: failed to list nodes"):
        cluster.delete()


def test_the_shell_decides_neither_for_podman_nor_for_attestations(
    programs: Programs, cluster: KindCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")

    cluster.load(Image(name="localhost/one:1", layers=(files({"/one": "1"}),)))

    environments = [call.environment for call in programs.calls]
    assert {each["KIND_EXPERIMENTAL_PROVIDER"] for each in environments} == {"docker"}
    assert {each["BUILDX_NO_DEFAULT_ATTESTATIONS"] for each in environments} == {"1"}
