"""The end-to-end examples, followed as their pages tell, on one local stack: real trainings, models and answers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sagebridge_local.stack import LocalStack

from .pages import Page

pytestmark = pytest.mark.controlplane

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/end-to-end"
BUCKET = "sagebridge-local"
ANSWER = re.compile(r"^(\S+) is of cultivar (\d); (\S+) says (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One example, on the stack that all share.

    Attributes:
        name: Its directory.
        object: The name of what it makes in Kubernetes, which is in the names of all that is made in SageMaker.
        environment: Of the shell.
        stack: The stack.
    """

    name: str
    object: str
    environment: dict[str, str]
    stack: LocalStack

    def page(self, changes: Mapping[str, str]) -> Page:
        """Its page."""
        path = EXAMPLES / self.name / "README.md"
        return Page(path=path, environment=self.environment, directory=EXAMPLES, changes=changes)

    def follow(self, changes: Mapping[str, str] = MappingProxyType({})) -> str:
        """Do all that its page tells but for the end, and see what it shows."""
        page = self.page(changes)
        output = page.follow(*page.commands[:-1])
        page.assert_shown(output)
        return output

    def end(self) -> None:
        """Do the end: nothing of it is left in SageMaker."""
        page = self.page({})
        page.follow(page.commands[-1])
        sagemaker = self.client("sagemaker")
        assert sagemaker.list_endpoints(NameContains=self.object)["Endpoints"] == []
        assert sagemaker.list_endpoint_configs(NameContains=self.object)["EndpointConfigs"] == []
        assert self.models() == []

    def models(self) -> list[str]:
        """Its models in SageMaker."""
        listed = self.client("sagemaker").list_models(NameContains=self.object)["Models"]
        return [model["ModelName"] for model in listed]

    def client(self, service: str) -> Any:
        """An SDK client."""
        return self.stack.simulator.client(service)

    def objects(self, prefix: str) -> dict[str, str]:
        """What lies in S3 under a prefix of the data's."""
        s3, whole = self.client("s3"), f"wine/{prefix}"
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=whole).get("Contents", ())
        return {
            item["Key"].removeprefix(whole): s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode()
            for item in listed
        }

    def endpoint(self) -> Any:
        """Describe its endpoint."""
        sagemaker = self.client("sagemaker")
        [only] = sagemaker.list_endpoints(NameContains=self.object)["Endpoints"]
        return sagemaker.describe_endpoint(EndpointName=only["EndpointName"])

    def updates(self) -> int:
        """How many endpoints SageMaker was asked to update, ever."""
        calls = self.stack.simulator.admin("GET", "calls?log=")["log"]
        return sum(call["operation"] == "UpdateEndpoint" for call in calls)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, str], LocalStack]]:
    """The stack, with the data and the model, as the page of all examples has it; and what its end leaves."""
    work = tmp_path_factory.mktemp("end-to-end")
    quick = {"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1", "KUBECACHEDIR": str(work / "kubectl")}
    environment = os.environ | {"XDG_STATE_HOME": str(work / "state"), "PYTHONDONTWRITEBYTECODE": "1"} | quick
    begin = Page(
        path=EXAMPLES / "README.md",
        environment=environment,
        directory=ROOT,
        changes={". .venv/bin/activate": f". '{sys.prefix}/bin/activate'"},
    )
    *first, end = begin.commands
    stack = LocalStack(work / "state/sagebridge/local")
    try:
        begin.follow(*first, f"env --null > '{work}/environment'")
        written = (work / "environment").read_text().rstrip("\0").split("\0")
        shell = dict(line.split("=", 1) for line in written)
        yield shell, stack
        Page(path=begin.path, environment=shell, directory=EXAMPLES).follow(end)
        assert stack.status() == []
    finally:
        stack.down()


@pytest.fixture
def example(begun: tuple[dict[str, str], LocalStack]) -> Callable[[str, str], Example]:
    """An example by its directory and its object."""
    environment, stack = begun
    return lambda name, made: Example(name, made, environment, stack)


def answers(output: str) -> list[tuple[str, str, str, str]]:
    """What endpoints said of bottles: the bottle, its cultivar, the variant, the answer."""
    return ANSWER.findall(output)


def test_every_example_is_in_the_table() -> None:
    table = re.findall(r"^\| \[([\w-]+)\]\((\S+)\) \|", (EXAMPLES / "README.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted((path.name, path.name) for path in EXAMPLES.iterdir() if path.is_dir())


def test_csv_transform(example: Callable[[str, str], Example]) -> None:
    this = example("csv-transform", "wine-unseen")
    output = this.follow()
    assert "after 20 rounds: [" in output
    [(name, joined)] = this.objects("predictions/").items()
    assert name == "unseen.csv.out"
    predictions = [row.split(",") for row in joined.splitlines()]
    unseen = [row.split(",")[0] for row in this.objects("unseen/")["unseen.csv"].splitlines()]
    assert [row[0] for row in predictions] == unseen
    truth = dict(row.split(",") for row in this.objects("truth/")["truth.csv"].splitlines())
    assert sum(truth[name] == predicted for name, predicted in predictions) >= 54
    assert this.models() == []
    this.end()


def test_pipeline(example: Callable[[str, str], Example]) -> None:
    this = example("pipeline", "wine-pipeline")
    output = this.follow(
        {
            "kubectl sagebridge logs smep/wine-pipeline\n": until("sagebridge logs smep/wine-pipeline", "rounds", 1),
        }
    )
    features, trees = (
        re.findall(rf"^\[all-traffic/i-\w+/{name}\] (.*)$", output, re.MULTILINE) for name in ("features", "trees")
    )
    assert [line for line in features if "filled in: [['malic_acid'," in line]
    assert "after 20 rounds: [0, 2]" in trees
    this.end()


def test_multi_model(example: Callable[[str, str], Example]) -> None:
    this = example("multi-model", "wine-detectors")
    before = this.updates()
    said = answers(this.follow())
    assert len(said) == 9
    for detected, model in enumerate((said[:3], said[3:6], said[6:])):
        assert [float(answer) > 0.5 for *_, answer in model] == [int(cultivar) == detected for _, cultivar, *_ in model]
    assert this.updates() == before
    this.end()


def test_shadow(example: Callable[[str, str], Example]) -> None:
    this = example("shadow", "wine-shadow")
    output = this.follow(
        {"kubectl sagebridge logs smep/wine-shadow\n": until("sagebridge logs smep/wine-shadow", "rounds", 10)}
    )
    assert [variant for _, _, variant, _ in answers(output)] == ["current"] * 5
    current = re.findall(r"^\[current/i-\w+\] after 20 rounds: \[(\d)\]$", output, re.MULTILINE)
    shadow = re.findall(r"^\[next/i-\w+\] after 200 rounds: \[(\d)\]$", output, re.MULTILINE)
    assert current == [answer for *_, answer in answers(output)]
    assert len(shadow) == 5
    this.end()


def test_serverless(example: Callable[[str, str], Example]) -> None:
    this = example("serverless", "wine-serverless")
    assert [answer for *_, answer in answers(this.follow())] == ["1", "0", "2"]
    [variant] = this.endpoint()["ProductionVariants"]
    assert variant["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    assert "CurrentInstanceCount" not in variant
    this.end()


def test_asynchronous(example: Callable[[str, str], Example]) -> None:
    this = example("asynchronous", "wine-asynchronous")
    this.follow()
    [answer] = this.objects("answers/").values()
    assert len(answer.splitlines()) == 60
    assert set(answer.splitlines()) == {"0", "1", "2"}
    [failure] = this.objects("failures/").values()
    assert "could not convert string 'a' to float" in failure
    this.end()


def test_canary(example: Callable[[str, str], Example]) -> None:
    this = example("canary", "wine-canary")
    output = this.follow()
    [(answered, again)] = re.findall(
        r"^(\d+) requests were answered: .*; (\d+) had to ask again$", output, re.MULTILINE
    )
    assert int(answered) > int(again) > 0
    assert [answer for *_, answer in answers(output)] == ["1", "0", "2"] * 2
    endpoint = this.endpoint()
    assert (endpoint["EndpointStatus"], endpoint["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 4)
    this.end()


def until(command: str, word: str, count: int) -> str:
    """Look again until a log has what it will have: its lines come a moment after the answers."""
    look = f"kubectl {command}"
    return f"for _ in $(seq 100); do [ $({look} | grep -c {word}) -ge {count} ] && break; done; {look}\n"
