"""What the chart renders for several sets of values; UPDATE_GOLDENS=1 writes the goldens again."""

import os
import re
from pathlib import Path

import pytest
import yaml
from sagebridge import __version__

from .helm import CHART, HERE, ROOT, VALUE_SETS, Helm, HelmError, one

CRDS = ROOT / "crds"
KEEP = "  annotations:\n    helm.sh/resource-policy: keep\n"
SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)


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


def without_crds(manifests: str) -> str:
    """The manifests but for the CRDs, which are compared with their own source."""
    documents = manifests.split("\n---\n")
    return "\n---\n".join(document for document in documents if "/crds.yaml" not in str(SOURCE.findall(document)))


def test_the_chart_carries_the_generated_crds() -> None:
    assert contents(CHART / "files" / "crds") == contents(CRDS), "run make crds"


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.glob("*.yaml")}


def test_crds_are_rendered_as_they_are(helm: Helm) -> None:
    rendered = helm.template("default", "--set=crds.keep=false", "--show-only=templates/crds.yaml")

    assert parsed(rendered) == parsed("\n---\n".join(contents(CRDS).values()))


def test_crds_stay_when_the_chart_is_uninstalled(helm: Helm) -> None:
    rendered = helm.template("default", "--show-only=templates/crds.yaml")

    assert rendered.count(KEEP) == len(contents(CRDS))
    assert parsed(rendered.replace(KEEP, "")) == parsed("\n---\n".join(contents(CRDS).values()))


def parsed(text: str) -> dict[str, object]:
    return {found["metadata"]["name"]: found for found in yaml.safe_load_all(text) if found}


def test_crds_can_be_left_out(helm: Helm) -> None:
    kinds = {found["kind"] for found in helm.objects("default", "--set=crds.install=false")}

    assert "CustomResourceDefinition" not in kinds


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


@pytest.mark.parametrize("release", ["sagebridge", "ml", "x" * 53])
def test_names_fit_for_any_release(helm: Helm, release: str) -> None:
    rendered = helm.run("template", release, str(CHART), "--kube-version=v1.35.4")

    names = [found["metadata"]["name"] for found in yaml.safe_load_all(rendered) if found]
    assert all(len(name) <= 63 for name in names if not name.startswith("default:"))
    assert (
        release[:40]
        in one([found for found in yaml.safe_load_all(rendered) if found], "Deployment")["metadata"]["name"]
    )
