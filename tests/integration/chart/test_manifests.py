"""The API server accepts every object of the chart."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from sagebridge_local.golang import helm_binary
from sagebridge_local.stack import ControlPlane

from .release import CHART, Release

VALUES = CHART.parents[1] / "tests" / "unit" / "chart" / "values"
UNKNOWN_HERE = {"ServiceMonitor"}  # needs the Prometheus operator's own CRD


@pytest.mark.parametrize("value_set", sorted(path.stem for path in VALUES.glob("*.yaml")))
def test_every_object_is_accepted(cluster: ControlPlane, new_namespace: Callable[[], str], value_set: str) -> None:
    namespace = new_namespace()
    arguments = ["template", "sagebridge", str(CHART), f"--namespace={namespace}", "--kube-version=v1.35.4"]
    watched = [f"--set=watchNamespaces={{{namespace}}}"] if value_set == "namespaced" else []
    rendered = subprocess.run(
        [helm_binary(), *arguments, f"--values={VALUES / value_set}.yaml", *watched],
        capture_output=True,
        text=True,
        check=True,
    )
    objects = [
        obj
        for obj in yaml.load_all(rendered.stdout, Loader=yaml.CSafeLoader)
        if obj and obj["kind"] not in UNKNOWN_HERE
    ]

    accepted = cluster.kubectl(
        "apply",
        "--server-side",
        "--dry-run=server",
        "--filename=-",
        "--validate=strict",
        stdin=yaml.dump_all(objects, Dumper=yaml.CSafeDumper),
    )

    assert len(accepted.splitlines()) == len(objects)


@pytest.mark.parametrize(("source", "kind"), [("manifest", "Deployment"), ("hooks", "Job")])
def test_pods_are_admitted_where_the_restricted_standard_is_enforced(
    installed: Release, source: str, kind: str
) -> None:
    objects = [
        obj for obj in yaml.load_all(installed.run("get", source, installed.name), Loader=yaml.CSafeLoader) if obj
    ]
    [workload] = [obj for obj in objects if obj["kind"] == kind]
    # The hook's own account is there only while it runs.
    spec = {**workload["spec"]["template"]["spec"], "serviceAccountName": "sagebridge"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one", "namespace": installed.namespace},
        "spec": spec,
    }

    accepted = installed.cluster.kubectl("create", "--dry-run=server", "--filename=-", stdin=yaml.safe_dump(pod))

    assert "created" in accepted


def test_an_upgrade_brings_the_new_crds(installed: Release, tmp_path: Path) -> None:
    newer = tmp_path / "chart"
    subprocess.run(["cp", "-r", str(CHART), str(newer)], check=True)
    for path in (newer / "files" / "crds").glob("trainingjobs*.yaml"):
        path.write_text(path.read_text().replace("    - tj\n", "    - tj\n    - newer\n"))

    installed.install(chart=newer)

    crd = installed.get("customresourcedefinition", "trainingjobs.sagebridge.io")
    assert crd["spec"]["names"]["shortNames"] == ["tj", "newer"]


def test_helm_says_what_is_still_missing(installed: Release) -> None:
    incomplete = installed.install()
    complete = installed.install(
        "settings.roleArn=arn:aws:iam::123456789012:role/training", "settings.bucket=s3://example", "rbac.create=false"
    )

    assert "Not both are set" in incomplete
    assert "Not both are set" not in complete
    assert f"logs job/{installed.name}-release-finalizers" in complete
    assert "No roles were created for the service account sagebridge" in complete
