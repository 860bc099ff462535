"""Two and more containers, chained; and one of them alone."""

import contextlib

import psutil
import pytest
from sagebridge_local.serving import ServingError

STEP = """
    import os

    def model_fn(model_dir):
        return None

    def transform_fn(model, body, content_type, accept):
        if body == "refuse" or body.endswith(os.environ.get("REFUSES", "nothing")):
            raise ValueError("no such row")
        return f"{body}>{os.environ['STEP']}", "text/csv"
"""


@pytest.fixture
def step(kitchen):
    def make(number: int, environment=None, **members):
        variables = {"STEP": str(number), **(environment or {})}
        return kitchen.definition(kitchen.model(STEP), Environment=variables, **members)

    return make


async def test_each_answer_is_the_next_containers_request(kitchen, step):
    server = await kitchen.serve(step(1), step(2), step(3))

    answer = await server.invoke(b"row", content_type="text/csv")

    assert (answer.status, answer.body, answer.container) == (200, b"row>1>2>3", "container-3")


async def test_the_first_container_that_fails_ends_it_and_is_named(kitchen, step):
    server = await kitchen.serve(step(1, ContainerHostname="clean"), step(2, ContainerHostname="score"))

    answer = await server.invoke(b"refuse", content_type="text/csv")

    assert (answer.status, answer.container) == (500, "clean")


async def test_fifteen_containers_with_one_in_the_middle_that_fails_sometimes(kitchen, step):
    names = [f"step-{number}" for number in range(1, 16)]
    steps = [
        step(number, {"REFUSES": ">6>7"} if number == 8 else None, ContainerHostname=name)
        for number, name in enumerate(names, start=1)
    ]
    server = await kitchen.serve(*steps)

    failed = await server.invoke(b"row", content_type="text/csv")
    rest = await server.invoke(b"row", content_type="text/csv", container="step-15")

    assert (failed.status, failed.container, failed.body) == (500, "step-8", b"ValueError: no such row")
    assert rest.body == b"row>15"


async def test_one_container_can_be_invoked_directly(kitchen, step):
    server = await kitchen.serve(step(1, ContainerHostname="clean"), step(2, ContainerHostname="score"))

    assert (await server.invoke(b"row", content_type="text/csv", container="score")).body == b"row>2"


async def test_each_container_has_a_log_stream_of_its_own(kitchen, step):
    server = await kitchen.serve(step(1), step(2))
    await server.invoke(b"refuse", content_type="text/csv")
    await server.stop()

    assert any("no such row" in line for line in kitchen.log("AllTraffic/i-1/container-1"))
    assert not any("no such row" in line for line in kitchen.log("AllTraffic/i-1/container-2"))


async def test_without_the_second_model_nothing_is_left_running(kitchen, step):
    with pytest.raises(ServingError, match="Failed to download model data"):
        await kitchen.serve(step(1), kitchen.definition(f"s3://{kitchen.bucket}/none.tar.gz"))

    # A model that was served would run in its directory.
    running = [_directory(each) for each in psutil.process_iter()]
    assert [each for each in running if each.startswith(str(kitchen.work_dir))] == []
    assert not (kitchen.work_dir / "0").exists()


async def test_every_container_runs_in_a_directory_of_the_copy(kitchen, step):
    await kitchen.serve(step(1), step(2))

    running = [_directory(each) for each in psutil.process_iter()]
    assert sum(each.startswith(str(kitchen.work_dir)) for each in running) == 2


def _directory(process):
    with contextlib.suppress(psutil.Error):
        return process.cwd()
    return ""


async def test_there_are_at_most_fifteen(kitchen, step):
    with pytest.raises(ServingError, match="1 to 15 containers"):
        await kitchen.serve(*(step(number) for number in range(16)))
