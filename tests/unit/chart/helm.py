"""The chart, rendered by the real helm."""

import functools
import pickle
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
CHART = ROOT / "helm" / "sagebridge"
VALUE_SETS = sorted(path.stem for path in (HERE / "values").glob("*.yaml"))
KUBERNETES = "v1.35.4"
SOURCE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)


class HelmError(Exception):
    """Helm refused; the message is its own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Helm:
    binary: Path

    def run(self, *arguments: str) -> str:
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise HelmError(done.stdout + done.stderr)
        return done.stdout

    def lint(self, value_set: str) -> str:
        return self.run(
            "lint", "--strict", "--kube-version", KUBERNETES, "--values", values_file(value_set), str(CHART)
        )

    def template(self, value_set: str, *extra: str) -> str:
        """All manifests of a release named `sagebridge` in the namespace `sagebridge-system`."""
        return _template(self, value_set, extra)

    def objects(self, value_set: str, *extra: str) -> list[dict[str, Any]]:
        """The same as objects, of which the caller may do as it likes; the CRDs are in `template` only."""
        found: list[dict[str, Any]] = pickle.loads(_objects(self, value_set, extra))
        return found


@functools.cache
def _template(helm: Helm, value_set: str, extra: tuple[str, ...]) -> str:
    """Many tests look at the same manifests, which change with the chart alone."""
    return helm.run(
        "template",
        "sagebridge",
        str(CHART),
        "--namespace=sagebridge-system",
        f"--kube-version={KUBERNETES}",
        f"--values={values_file(value_set)}",
        *extra,
    )


@functools.cache
def _objects(helm: Helm, value_set: str, extra: tuple[str, ...]) -> bytes:
    return pickle.dumps(parsed(without_crds(helm.template(value_set, *extra))))


def without_crds(manifests: str) -> str:
    """The manifests but for the CRDs, which are long, and compared with their own source."""
    documents = manifests.split("\n---\n")
    return "\n---\n".join(document for document in documents if "/crds.yaml" not in str(SOURCE.findall(document)))


def parsed(text: str) -> list[dict[str, Any]]:
    """The documents of a text in YAML; the CRDs are long, and libyaml reads them ten times faster."""
    return [found for found in yaml.load_all(text, Loader=yaml.CSafeLoader) if found]


def values_file(value_set: str) -> str:
    return str(HERE / "values" / f"{value_set}.yaml")


def one(objects: list[dict[str, Any]], kind: str, name: str | None = None) -> dict[str, Any]:
    """The only object of that kind, and name if given."""
    [found] = [obj for obj in objects if obj["kind"] == kind and name in (None, obj["metadata"]["name"])]
    return found


def environment(deployment: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value, or source, of the operator's environment."""
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    for variable in container["env"]:
        yield variable["name"], variable.get("value", variable.get("valueFrom"))
