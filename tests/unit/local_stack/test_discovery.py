"""A cluster that was there before may have APIs that can't be asked now."""

from __future__ import annotations

from pathlib import Path

import pytest
from sagebridge_local.stack import kubectl
from sagebridge_local.stack.crds import install_crds

CRD = (
    "{metadata: {name: widgets.example.com}, spec: {group: example.com, versions: [{name: v1}], names: {kind: Widget}}}"
)
KUBECTL = """#!/bin/sh
echo "$1" >> {folder}/asked
case "$1" in
api-resources)
    [ $(grep -c api-resources {folder}/asked) -gt 2 ] && echo widgets.example.com
    echo "unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1" >&2
    exit 1 ;;
get) echo '{{"kind":"Widget"}}' ;;
esac
"""


def test_crds_are_installed_though_another_api_can_not_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "widgets.yaml").write_text(CRD)
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setattr(kubectl, "kubectl_program", lambda: program)

    install_crds(tmp_path / "crds", kubeconfig=tmp_path / "kubeconfig")

    assert (tmp_path / "asked").read_text().split() == ["apply", "wait", *["api-resources"] * 3, "get"]
