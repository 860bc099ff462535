"""What a processing job's image means on this machine, and the commands that are made of it."""

from pathlib import Path
from typing import Any

import pytest
from sagebridge_local.runtime.images import CommandImage, DockerImage, Meaning, UnknownImage
from sagebridge_local.runtime.processing import view
from sagebridge_local.runtime.processing.host import ProcessingHost, docker_launch
from sagebridge_local.runtime.processing.images import meaning
from sagebridge_local.runtime.records import ProcessingRun

SKLEARN = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
OWN = "123456789012.dkr.ecr.us-west-2.amazonaws.com/team/split:3"


def request(image: str, *, entrypoint: list[str] | None = None, arguments: list[str] | None = None) -> dict[str, Any]:
    application: dict[str, Any] = {"ImageUri": image}
    application |= {"ContainerEntrypoint": entrypoint} if entrypoint else {}
    application |= {"ContainerArguments": arguments} if arguments else {}
    return {"AppSpecification": application, "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}}}


@pytest.mark.parametrize(
    ("reason", "given", "docker", "want"),
    [
        (
            "a framework's image runs its entrypoint here",
            request(SKLEARN, entrypoint=["python3", "x.py"], arguments=["--a"]),
            False,
            CommandImage(command=("python3", "x.py", "--a")),
        ),
        (
            "… even if there is Docker",
            request(SKLEARN, entrypoint=["python3"]),
            True,
            CommandImage(command=("python3",)),
        ),
        (
            "its own entrypoint is not here",
            request(SKLEARN, arguments=["--a"]),
            True,
            DockerImage(image=SKLEARN, entrypoint=(), arguments=("--a",)),
        ),
        (
            "an own image is Docker's",
            request(OWN, entrypoint=["run"], arguments=["--a"]),
            True,
            DockerImage(image=OWN, entrypoint=("run",), arguments=("--a",)),
        ),
    ],
)
def test_meaning(reason: str, given: dict[str, Any], docker: bool, want: Meaning) -> None:
    assert meaning(given, mapping={}, docker=docker, here=True) == want, reason


def test_a_mapped_image_comes_before_all_else() -> None:
    found = meaning(
        request(OWN, entrypoint=["x"], arguments=["--a"]), mapping={"*/team/*": ["mine"]}, docker=True, here=True
    )
    assert found == CommandImage(command=("mine", "--a"))


def test_without_docker_an_own_image_names_the_ways_out() -> None:
    found = meaning(request(OWN), mapping={}, docker=False, here=True)
    assert isinstance(found, UnknownImage)
    assert "start Docker" in found.reason
    assert f"--image-map '{OWN}=COMMAND'" in found.reason


def test_where_opt_ml_can_not_be_shown_docker_runs_the_image() -> None:
    script = request(SKLEARN, entrypoint=["python3", "x.py"])
    assert isinstance(meaning(script, mapping={}, docker=True, here=False), DockerImage)
    for mapping in ({}, {"*": ["mine"]}):
        found = meaning(script, mapping=mapping, docker=False, here=False)
        assert found == UnknownImage(reason=view.UNAVAILABLE)


def test_docker_mounts_what_the_contract_names_and_never_opt_ml_itself(tmp_path: Path) -> None:
    run = ProcessingRun(
        name="split",
        arn="arn",
        request=request(OWN),
        region="us-west-2",
        account="123456789012",
        work_dir=tmp_path,
        endpoint_url="http://127.0.0.1:1",
    )
    host = ProcessingHost(name="algo-1", root=tmp_path)
    image = DockerImage(image=OWN, entrypoint=("python3", "-u"), arguments=("--a",))
    launch = docker_launch(host, image, run=run, base={"B": "b"}, inside={"A": "a"}, gpus=False, isolated=True)
    words = list(launch.command)
    targets = [word.rpartition("target=")[2] for word in words if "target=" in word]
    assert targets == ["/opt/ml/config", "/opt/ml/output", "/opt/ml/processing"]
    assert words[-5:] == ["--entrypoint", "python3", OWN, "-u", "--a"]
    assert words[words.index("--network") + 1] == "none"
    assert words[words.index("--env") + 1] == "A"
    assert launch.environment == {"A": "a", "B": "b"}
    assert launch.kill_command == ["docker", "rm", "--force", "split-algo-1"]


def test_a_command_is_wrapped_whole(tmp_path: Path) -> None:
    words = view.command(
        ["python3", "a b"], way=("unshare", "--mount"), ml=tmp_path / "ml", shadow=tmp_path / "opt", isolated=True
    )
    assert words[:5] == ["unshare", "--mount", "--net", "--", "/bin/sh"]
    assert words[-4:] == [str(tmp_path / "ml"), str(tmp_path / "opt"), "python3", "a b"]
