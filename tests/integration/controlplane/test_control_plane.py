"""The control plane is a real and a closed one."""

import json
import ssl
import stat
import urllib.error
import urllib.request
from pathlib import Path

import kubernetes
import pytest
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane, KubectlError

pytestmark = pytest.mark.controlplane


def test_serves_the_pinned_version(control_plane: ControlPlane) -> None:
    versions = json.loads(control_plane.kubectl("version", "-o", "json"))

    assert versions["serverVersion"]["gitVersion"] == versions["clientVersion"]["gitVersion"] == "v1.35.4"


def test_kubectl_knows_the_crds_though_it_has_looked_before_they_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    with ControlPlane.start(tmp_path / "stack") as control_plane:
        control_plane.kubectl("get", "namespaces")
        control_plane.install_crds(crds_directory())

        assert control_plane.kubectl("get", "sagebridge", "--output=name") == "", "the category, and no objects"


def test_controllers_work(kube: kubernetes.client.ApiClient, namespace: str, control_plane: ControlPlane) -> None:
    """The controller-manager gives each namespace its service account, within the wait's own limit."""
    control_plane.kubectl("wait", "--for=create", "serviceaccount/default", "-n", namespace, "--timeout=60s")

    token = control_plane.kubectl("create", "token", "default", "-n", namespace)

    assert token.count(".") == 2


@pytest.mark.parametrize(
    ("headers", "want", "reason"),
    [
        ({}, 401, "anonymous requests are refused"),
        ({"Authorization": "Bearer wrong"}, 401, "a made-up token is refused"),
    ],
)
def test_refuses_strangers(control_plane: ControlPlane, headers: dict[str, str], want: int, reason: str) -> None:
    context = ssl.create_default_context(cafile=str(control_plane.certificate_authority))
    request = urllib.request.Request(f"{control_plane.url}/api", headers=headers)

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, context=context)

    assert caught.value.code == want, reason


def test_its_certificate_is_of_this_run_only(control_plane: ControlPlane) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{control_plane.url}/readyz", context=ssl.create_default_context())


def test_other_users_may_do_what_rbac_lets_them(control_plane: ControlPlane, namespace: str) -> None:
    alice = control_plane.kubeconfig_for("alice", groups=["team-a"])

    me = json.loads(control_plane.kubectl("--kubeconfig", str(alice), "auth", "whoami", "-o", "json"))

    assert me["status"]["userInfo"]["username"] == "alice"
    assert "team-a" in me["status"]["userInfo"]["groups"]
    with pytest.raises(KubectlError, match="cannot list resource"):
        control_plane.kubectl("--kubeconfig", str(alice), "get", "configmaps", "-n", namespace)


def test_secrets_are_private(control_plane: ControlPlane) -> None:
    readable = [path for path in control_plane.directory.rglob("*") if path.is_file() and _others_may_read(path)]

    assert {path.suffix for path in readable} <= {".lock"}
    assert stat.S_IMODE(control_plane.directory.stat().st_mode) == 0o700


def _others_may_read(path: Path) -> bool:
    return "etcd" not in path.parent.parts and bool(path.stat().st_mode & 0o077)
