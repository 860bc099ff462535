"""Which cluster and which namespace a step is in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from kubernetes.config import incluster_config
from sagebridge_kfp.step import api as api_module
from sagebridge_kfp.step.api import Api
from sagebridge_kfp.step.failure import StepFailedError


def kubeconfig(file: Path, **context: str) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"token": "of-the-kubeconfig"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", **context}}],
        "current-context": "x",
    }
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.mark.parametrize(("context", "namespace"), [({"namespace": "team-a"}, "team-a"), ({}, "default")])
def test_on_a_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: dict[str, str], namespace: str) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", **context)))
    api = Api.connect()
    assert (api.namespace, api.token()) == (namespace, "of-the-kubeconfig")


def test_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"token": "of-the-account", "ca.crt": "pem", "namespace": "team-b\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setattr(api_module, "_NAMESPACE_FILE", tmp_path / "namespace")
    monkeypatch.setattr(api_module.kubernetes.client, "ApiClient", _Client)
    api = Api.connect()
    assert (api.namespace, api.token()) == ("team-b", "of-the-account")


class _Client:
    """A client that opens nothing: the certificate authority of this test is none."""

    def __init__(self, configuration: object) -> None:
        self.configuration = configuration


@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("", r'set KUBECONFIG, or, after sagebridge local up, eval "\$\(sagebridge local env\)"\. .*runner="docker"'),
        ("10.0.0.1", "the service account's token must be mounted: automountServiceAccountToken"),
    ],
    ids=["a machine of one's own", "a pod"],
)
def test_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, hint: str) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(StepFailedError, match=f"neither a service account nor a kubeconfig .*{hint}"):
        Api.connect()
