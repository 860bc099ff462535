"""Each image of the tests by docker: what it holds where it can't be made without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from node import debian, dockerfiles
from node.code import ROOT
from node.images import Image
from node.layers import files
from node.operator_image import operator_image
from node.serving_image import serving_image
from node.training_image import training_image

if TYPE_CHECKING:
    from unit.kind_node.conftest import Programs

INSTALL = "apt-get install --yes --no-install-recommends python3 python3-venv ca-certificates"
PYTHON = Image(name="localhost/python:1", layers=(debian.base(),), environment={"PATH": debian.PATH})


@pytest.fixture
def docker(programs: Programs) -> Programs:
    programs.install("docker")
    return programs


def test_an_image_of_one_program() -> None:
    layer = files({"/trainer": b"\x7fELF"})
    image = Image(name="localhost/trainer:1", layers=(layer,), entrypoint=("/trainer",), command=("train",))

    assert dockerfiles.text(image).splitlines() == [
        "FROM scratch",
        f"COPY {layer.key}/ /",
        'ENTRYPOINT ["/trainer"]',
        'CMD ["train"]',
    ]


def test_debian_with_python() -> None:
    assert dockerfiles.text(PYTHON).splitlines() == [
        "FROM docker.io/library/debian:bookworm-slim",
        f"RUN apt-get update && {INSTALL} && rm -rf /var/lib/apt/lists/*",
        f'ENV PATH="{debian.PATH}"',
        "ENTRYPOINT []",
        "CMD []",
    ]


def test_docker_changes_no_variable() -> None:
    image = Image(name="localhost/one:1", layers=(files({"/one": "1"}),), environment={"A": 'say "ä" \\ $HOME'})

    [env] = [line for line in dockerfiles.text(image).splitlines() if line.startswith("ENV")]

    assert env == 'ENV A="say \\"ä\\" \\\\ \\$HOME"'


def test_user_and_working_directory_are_set_after_all_that_needs_root() -> None:
    layer = files({"/one": "1"})
    image = Image(name="localhost/one:1", layers=(layer,), user="65532:65532", working_directory="/tmp")

    lines = dockerfiles.text(image).splitlines()

    assert lines[1:4] == [f"COPY {layer.key}/ /", "WORKDIR /tmp", "USER 65532:65532"]


def test_python_packages_are_the_locked_ones() -> None:
    [run] = [line for line in dockerfiles.text(training_image()).splitlines() if "pip" in line]

    assert "python3 -m venv --without-pip /opt/training" in run
    assert "--require-hashes --only-binary=:all:" in run
    assert run.endswith("rm -r /opt/installer /opt/packages.lock")


def test_what_is_copied_is_there_and_what_runs_is_executable(docker: Programs) -> None:
    dockerfiles.build(serving_image())

    instructions = docker.file("--file")
    context = docker.context()
    assert context.pop("Dockerfile")
    assert sorted(context.values()) == ["0o644", "0o755"]
    assert [mode for path, mode in context.items() if path.endswith("/usr/local/bin/serve")] == ["0o755"]
    for line in (line for line in instructions.splitlines() if line.startswith("COPY")):
        source = line.split()[1]
        assert any(path == source or path.startswith(source) for path in context), line


def test_docker_is_given_name_file_and_context(docker: Programs) -> None:
    dockerfiles.build(PYTHON)

    [words] = docker.words()
    context = words[-1]
    assert words == ["docker", "build", f"--file={context}/Dockerfile", "--tag=localhost/python:1", context]
    assert docker.file("--file") == dockerfiles.text(PYTHON)
    assert not Path(context).exists()


def test_the_operators_image_is_what_its_dockerfile_says(docker: Programs) -> None:
    image = operator_image()

    dockerfiles.build(image)

    assert docker.words() == [
        ["docker", "build", f"--file={ROOT}/operator/Dockerfile", f"--tag={image.name}", str(ROOT)]
    ]


def test_a_failed_build_tells_why(docker: Programs) -> None:
    docker.answer("docker", "build", error="ERROR: failed to solve: debian: no such host\n", status=17)

    with pytest.raises(RuntimeError, match=r"failed \(17\):\nERROR: failed to solve: debian: no such host"):
        dockerfiles.build(PYTHON)


def test_nothing_is_made_here_for_it(docker: Programs, tmp_path: Path) -> None:
    for image in (PYTHON, training_image(), serving_image(), operator_image()):
        dockerfiles.build(image)

    assert list((tmp_path / "cache").iterdir()) == []
