"""The chart, rendered by the real helm."""

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
        return self.run(
            "template",
            "sagebridge",
            str(CHART),
            "--namespace=sagebridge-system",
            f"--kube-version={KUBERNETES}",
            f"--values={values_file(value_set)}",
            *extra,
        )

    def objects(self, value_set: str, *extra: str) -> list[dict[str, Any]]:
        return [found for found in yaml.safe_load_all(self.template(value_set, *extra)) if found]


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
