"""What a job takes from elsewhere: code and environment from ConfigMaps, a model from another job."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from support.jobs import Jobs, attempts, ready, spec, statuses

from .world import World

SKLEARN = {"name": "sklearn", "version": "1.2-1"}
SCRIPT = {"entryPoint": "train.py", "configMap": {"name": "code"}}


def script(**changes: Any) -> dict[str, Any]:
    """A spec in script mode, with its code in the ConfigMap `code`."""
    return spec(algorithmSpecification=None, framework=SKLEARN, source=SCRIPT, **changes)


def uploaded(world: World, uri: str) -> dict[str, str]:
    """The files of a packed source on S3."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = world.simulator.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {member.name: archive.extractfile(member).read().decode() for member in archive}  # type: ignore[union-attr]


def submit_directory(made: dict[str, Any]) -> str:
    """Where a job at AWS finds its code."""
    return str(made["request"]["HyperParameters"]["sagemaker_submit_directory"]).strip('"')


# --- code --------------------------------------------------------------------------------------------------------


def test_code_of_a_config_map_is_uploaded(world: World) -> None:
    world.script(seconds=0)
    world.put_config_map("code", {"train.py": "print('one')\n", "helpers.py": "x = 1\n"})
    world.jobs.create("digits", script())
    done = world.jobs.wait_reason("digits", "Completed")
    uri = submit_directory(world.made_one())
    assert done["status"]["sourceUri"] == uri
    assert uri.startswith("s3://sagebridge-local/")
    assert uploaded(world, uri) == {"train.py": "print('one')\n", "helpers.py": "x = 1\n"}


def test_code_is_uploaded_before_the_job_is_made(world: World) -> None:
    world.put_config_map("code", {"train.py": "print('one')\n"})
    world.fault("error", "CreateTrainingJob", code="ValidationException", message="not today")
    world.jobs.create("digits", script())
    world.jobs.wait_reason("digits", "Rejected")
    found = world.simulator.client("s3").list_objects_v2(
        Bucket="sagebridge-local", Prefix=f"sagebridge/{world.namespace}/digits/"
    )
    assert found["KeyCount"] > 0


def try_again(world: World, name: str) -> None:
    """Have a running job stopped, and a second attempt made."""
    for suspend, reason in ((True, "Suspended"), (False, "InProgress")):
        world.jobs.patch(name, {"spec": {"runPolicy": {"suspend": suspend}}})
        world.jobs.wait_reason(name, reason)


def test_another_attempt_runs_the_same_code(world: World) -> None:
    """The first attempt fixes the code, whatever becomes of the ConfigMap."""
    world.script(seconds=600, stop_seconds=0)
    world.put_config_map("code", {"train.py": "print('one')\n"})
    world.jobs.create("digits", script())
    world.jobs.wait_reason("digits", "InProgress")
    world.put_config_map("code", {"train.py": "print('two')\n"})
    try_again(world, "digits")
    first, second = world.made()
    assert submit_directory(first) == submit_directory(second)
    assert uploaded(world, submit_directory(second)) == {"train.py": "print('one')\n"}


def test_a_job_waits_for_its_config_map(world: World) -> None:
    world.jobs.create("digits", script())
    waiting = world.jobs.wait_reason("digits", "WaitingForReference")
    assert statuses(waiting) == {"Ready": "False", "Reconciling": "True"}
    assert "ConfigMap code" in ready(waiting)["message"]
    assert attempts(waiting) == []
    world.put_config_map("code", {"train.py": "print('one')\n"})
    world.jobs.wait_reason("digits", "InProgress")


def test_code_without_its_entry_point_names_the_field(world: World) -> None:
    world.put_config_map("code", {"main.py": "print('one')\n"})
    world.jobs.create("digits", script())
    invalid = world.jobs.wait_reason("digits", "InvalidSpec")
    assert statuses(invalid) == {"Ready": "False", "Stalled": "True"}
    assert "train.py" in ready(invalid)["message"]
    assert "entryPoint" in ready(invalid)["message"]
    world.put_config_map("code", {"train.py": "print('one')\n"})
    world.jobs.annotate("digits", reconcile_at="now")
    world.jobs.wait_reason("digits", "InProgress")


# --- environment -------------------------------------------------------------------------------------------------


def test_environment_of_config_maps(world: World) -> None:
    world.put_config_map("base", {"A": "base", "B": "base", "C": "base"})
    world.put_config_map("more", {"B": "more"})
    sources = [
        {"configMapRef": {"name": "base"}},
        {"configMapRef": {"name": "more"}},
        {"configMapRef": {"name": "more"}, "prefix": "P_"},
        {"configMapRef": {"name": "absent", "optional": True}},
    ]
    world.jobs.create("digits", spec(environmentFrom=sources, environment={"C": "own"}))
    world.jobs.wait_reason("digits", "InProgress")
    assert world.made_one()["request"]["Environment"] == {"A": "base", "B": "more", "C": "own", "P_B": "more"}


def test_a_job_waits_for_its_environment(world: World) -> None:
    world.jobs.create("digits", spec(environmentFrom=[{"configMapRef": {"name": "late"}}]))
    waiting = world.jobs.wait_reason("digits", "WaitingForReference")
    assert "spec.environmentFrom[0]" in ready(waiting)["message"]
    world.put_config_map("late", {"A": "b"})
    world.jobs.wait_reason("digits", "InProgress")
    assert world.made_one()["request"]["Environment"] == {"A": "b"}


# --- a model -----------------------------------------------------------------------------------------------------


def test_a_model_is_awaited_and_pinned(world: World) -> None:
    world.jobs.create("second", spec(modelRef={"kind": "TrainingJob", "name": "first"}))
    waiting = world.jobs.wait_reason("second", "WaitingForReference")
    assert "first" in ready(waiting)["message"]
    assert "not there" in ready(waiting)["message"]
    world.script(seconds=1)
    first = world.jobs.create("first")
    done = world.jobs.wait_reason("first", "Completed")
    taken = world.jobs.wait_reason("second", "Completed")
    uri = done["status"]["modelArtifacts"]["s3ModelArtifacts"]
    assert taken["status"]["modelRef"] == {
        "kind": "TrainingJob",
        "name": "first",
        "uid": first["metadata"]["uid"],
        "uri": uri,
    }
    made = next(job for job in world.made() if "-second-" in job["name"])
    channels = {channel["ChannelName"]: channel for channel in made["request"]["InputDataConfig"]}
    assert channels["model"]["DataSource"]["S3DataSource"]["S3Uri"] == uri


def test_a_model_that_is_not_ready_is_told_from_one_that_is_not_there(world: World) -> None:
    world.aws.outcome(f"{world.namespace}-first-*", seconds=600, stop_seconds=0)
    world.jobs.create("first")
    world.jobs.wait_reason("first", "InProgress")
    world.jobs.create("second", spec(modelRef={"kind": "TrainingJob", "name": "first"}))
    waiting = world.jobs.wait_reason("second", "ReferenceNotReady")
    assert statuses(waiting) == {"Ready": "False", "Reconciling": "True"}
    assert ready(waiting)["message"] == "spec.modelRef: waiting for TrainingJob first to be Ready."
    assert attempts(waiting) == []
    world.jobs.delete("first")
    lacking = world.jobs.wait_reason("second", "WaitingForReference")
    assert statuses(lacking) == {"Ready": "False", "Reconciling": "True"}
    assert "not there" in ready(lacking)["message"]


def test_a_model_stays_pinned_when_its_job_is_made_again(world: World) -> None:
    world.script(seconds=0)
    world.jobs.create("first")
    world.jobs.wait_reason("first", "Completed")
    world.aws.outcome(f"{world.namespace}-second-*", seconds=600, stop_seconds=0)
    world.jobs.create("second", spec(modelRef={"kind": "TrainingJob", "name": "first"}))
    pinned = world.jobs.wait_reason("second", "InProgress")["status"]["modelRef"]
    world.jobs.delete("first")
    world.jobs.wait_gone("first")
    world.jobs.create("first")
    again = world.jobs.wait_reason("first", "Completed")["status"]["modelArtifacts"]["s3ModelArtifacts"]
    assert again != pinned["uri"]
    try_again(world, "second")
    assert world.jobs.wait_reason("second", "InProgress")["status"]["modelRef"] == pinned
    one, two = (job["request"]["InputDataConfig"] for job in world.made() if "-second-" in job["name"])
    assert one == two


def test_a_failed_job_gives_no_model(world: World) -> None:
    world.script(seconds=0, outcome="Failed", failure_reason="AlgorithmError: x")
    world.jobs.create("first")
    world.jobs.wait_reason("first", "JobFailed")
    world.jobs.create("second", spec(modelRef={"kind": "TrainingJob", "name": "first"}))
    refused = world.jobs.wait_reason("second", "InvalidSpec")
    assert ready(refused)["message"].startswith("spec.modelRef: TrainingJob first has failed")
    world.jobs.delete("first")
    world.jobs.wait_gone("first")
    world.script(seconds=0)
    world.jobs.create("first")
    world.jobs.wait_reason("second", "Completed")


def test_a_model_of_another_namespace_is_out_of_reach(world: World) -> None:
    other = world.cluster.make_namespace()
    elsewhere = Jobs(world.cluster.client, other)
    world.aws.outcome(f"{other}*", seconds=0)
    elsewhere.create("first")
    elsewhere.wait_reason("first", "Completed")
    world.jobs.create("second", spec(modelRef={"kind": "TrainingJob", "name": "first"}))
    waiting = world.jobs.wait_reason("second", "WaitingForReference")
    assert "not there" in ready(waiting)["message"]
