"""What the chart renders for several sets of values; UPDATE_GOLDENS=1 writes the goldens again."""

import os
from pathlib import Path

import pytest
import yaml
from sagebridge import __version__

from .helm import CHART, HERE, ROOT, VALUE_SETS, Helm, HelmError, one, parsed, without_crds

CRDS = ROOT / "crds"
KEEP = "  annotations:\n    helm.sh/resource-policy: keep\n"


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_helm_finds_nothing_to_object_to(helm: Helm, value_set: str) -> None:
    assert "0 chart(s) failed" in helm.lint(value_set)


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_manifests_are_those_of_the_golden(helm: Helm, value_set: str) -> None:
    golden = HERE / "goldens" / f"{value_set}.yaml"
    rendered = without_crds(helm.template(value_set))
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(rendered)

    assert rendered == golden.read_text()


def test_the_chart_carries_the_generated_crds() -> None:
    assert contents(CHART / "files" / "crds") == contents(CRDS), "run make crds"


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.glob("*.yaml")}


def test_crds_are_rendered_as_they_are(helm: Helm) -> None:
    rendered = helm.template("default", "--set=crds.keep=false", "--show-only=templates/crds.yaml")

    assert named(rendered) == named("\n---\n".join(contents(CRDS).values()))


def test_crds_stay_when_the_chart_is_uninstalled(helm: Helm) -> None:
    rendered = helm.template("default", "--show-only=templates/crds.yaml")

    assert rendered.count(KEEP) == len(contents(CRDS))
    assert named(rendered.replace(KEEP, "")) == named("\n---\n".join(contents(CRDS).values()))


def named(text: str) -> dict[str, object]:
    return {found["metadata"]["name"]: found for found in parsed(text)}


def test_crds_can_be_left_out(helm: Helm) -> None:
    kind = "kind: CustomResourceDefinition"

    assert kind not in helm.template("default", "--set=crds.install=false")
    assert kind in helm.template("default")


def test_the_chart_has_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize(
    ("arguments", "message", "reason"),
    [
        (["--set=settings.regoin=x"], "regoin", "a misspelt setting would be ignored"),
        (["--set=replicas=2"], "replicas", "there is one replica"),
        (["--set=settings.roleArn=training"], "roleArn", "a role is given by its ARN"),
        (["--set=settings.bucket=example"], "bucket", "a bucket is given as an S3 URI"),
        (["--set=settings.pollIntervalSeconds=0"], "pollIntervalSeconds", "a pause of nothing"),
        (["--set=settings.logLevel=LOUD"], "logLevel", "no such level"),
        (["--set=watchNamespaces={Team_A}"], "watchNamespaces", "no namespace can be called so"),
        (["--set=image.digest=abc"], "digest", "not a digest"),
        (["--set=serviceAccount.create=false"], "serviceAccount.name is needed", "whose account then?"),
        (
            ["--set=metrics.serviceMonitor.create=true", "--set=metrics.service.create=false"],
            "needs metrics.service.create",
            "nothing to scrape",
        ),
    ],
)
def test_wrong_values_are_refused(helm: Helm, arguments: list[str], message: str, reason: str) -> None:
    with pytest.raises(HelmError, match=message):
        helm.template("default", *arguments)


def test_a_cluster_whose_pods_would_end_without_a_pause_is_refused(helm: Helm) -> None:
    with pytest.raises(HelmError, match=r"incompatible with Kubernetes v1\.29"):
        helm.template("default", "--kube-version=v1.29.9")


@pytest.mark.parametrize("release", ["sagebridge", "ml", "x" * 53])
def test_names_fit_for_any_release(helm: Helm, release: str) -> None:
    rendered = helm.run("template", release, str(CHART), "--kube-version=v1.35.4")

    objects = parsed(without_crds(rendered))
    names = [found["metadata"]["name"] for found in objects]
    assert all(len(name) <= 63 for name in names if not name.startswith("default:"))
    assert release[:40] in one(objects, "Deployment")["metadata"]["name"]
