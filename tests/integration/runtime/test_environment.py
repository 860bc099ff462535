"""What a script finds around itself: variables, credentials, network isolation, packages, source."""

import io
import json
import tarfile
import zipfile
from typing import Any

import pytest
from sagebridge_local.runtime.run import OutcomeStatus

SHOW_ENVIRONMENT = """
import json, os, pathlib, sys
told = {"environment": dict(os.environ), "arguments": sys.argv[1:]}
pathlib.Path(os.environ["SM_MODEL_DIR"], "told.json").write_text(json.dumps(told))
"""


async def _told(bench: Any, request: Any, **options: Any) -> Any:
    outcome = await bench.run(request, **options)
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    return json.loads(bench.archive(outcome.model_artifacts)["told.json"])


async def test_only_what_is_named_passes_on(bench: Any, monkeypatch: Any) -> None:
    request = bench.script(SHOW_ENVIRONMENT, Environment={"WHERE": "/opt/ml/model", "N": "1"})
    with monkeypatch.context() as users:
        users.setenv("AWS_SESSION_TOKEN", "the user's own")
        users.setenv("AWS_PROFILE", "production")
        users.setenv("GITHUB_TOKEN", "secret")
        outcome = await bench.run(request)
    environment = json.loads(bench.archive(outcome.model_artifacts)["told.json"])["environment"]
    assert not {"AWS_SESSION_TOKEN", "AWS_PROFILE", "GITHUB_TOKEN"} & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == bench.endpoint_url
    assert environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["WHERE"] == environment["SM_MODEL_DIR"] == str(bench.work_dir / "algo-1/ml/model")
    assert environment["N"] == "1"
    assert environment["SM_FRAMEWORK_MODULE"] == "sagemaker_sklearn_container.training:main"
    assert json.loads(environment["SM_TRAINING_ENV"])["job_name"] == "digits-1"


async def test_a_script_can_use_the_local_s3(bench: Any) -> None:
    script = f"import boto3; boto3.client('s3').put_object(Bucket='{bench.bucket}', Key='from-script', Body=b'x')"
    outcome = await bench.run(bench.script(script))
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    assert "from-script" in set(bench.keys())


async def test_paths_in_hyperparameters_lead_to_the_local_tree(bench: Any) -> None:
    hyperparameters = {"out": '"/opt/ml/model"', "elsewhere": '"/opt/mlx"'}
    told = await _told(bench, bench.script(SHOW_ENVIRONMENT, hyperparameters=hyperparameters))
    model = str(bench.work_dir / "algo-1/ml/model")
    assert told["arguments"] == ["--elsewhere", "/opt/mlx", "--out", model]


async def test_under_isolation_the_code_comes_as_a_channel(bench: Any) -> None:
    request = bench.script(SHOW_ENVIRONMENT, EnableNetworkIsolation=True)
    request["HyperParameters"]["sagemaker_submit_directory"] = '"/opt/ml/input/data/code/sourcedir.tar.gz"'
    request["InputDataConfig"] = [bench.channel("code", "code/sourcedir.tar.gz")]
    environment = (await _told(bench, request))["environment"]
    assert not [name for name in environment if name in {"AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"}]


async def test_under_isolation_code_from_s3_is_refused(bench: Any) -> None:
    outcome = await bench.run(bench.script(SHOW_ENVIRONMENT, EnableNetworkIsolation=True))
    assert "Under network isolation the container can't fetch s3://" in outcome.failure_reason


async def test_a_shell_script_is_an_entry_point(bench: Any) -> None:
    shell = 'echo "$@" > "$SM_MODEL_DIR/told.json"\n'
    request = bench.script(
        "", files={"run__sh": shell}, hyperparameters={"sagemaker_program": '"run.sh"', "x": '"[1]"'}
    )
    outcome = await bench.run(request)
    assert bench.archive(outcome.model_artifacts)["told.json"] == "-x [1]\n"


async def test_a_package_is_an_entry_point(bench: Any) -> None:
    script = "import pathlib, os; pathlib.Path(os.environ['SM_MODEL_DIR'], 'm').write_text('m')"
    setup = "import sys; sys.exit('offline')"
    outcome = await bench.run(bench.script(script, files={"setup__py": setup}))
    assert outcome.failure_reason.startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\n")


async def test_requirements_are_installed_once(bench: Any) -> None:
    wheel = bench.work_dir.parent / "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("greeting.py", "WORD = 'hello'\n")
        file.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        file.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("greeting-1.0.dist-info/RECORD", "")
    script = "import greeting, joblib, sys; print(greeting.WORD, sys.prefix)"
    options = {"files": {"requirements__txt": f"{wheel}\n"}}
    for _ in range(2):
        outcome = await bench.run(bench.script(script, **options))
        assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    log = bench.log()
    assert any(line.startswith(f"hello {bench.settings.cache_dir}") for line in log)
    assert len(list(bench.settings.cache_dir.glob("*/.complete"))) == 1


async def test_a_changed_file_that_the_requirements_name_is_installed_anew(bench: Any) -> None:
    for content in ("", "# changed\n"):
        files = {"requirements__txt": "-r base.txt\n", "base__txt": content}
        outcome = await bench.run(bench.script("", files=files))
        assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    assert len(list(bench.settings.cache_dir.glob("*/.complete"))) == 2


async def test_requirements_that_are_not_there_fail_as_in_the_toolkit(bench: Any) -> None:
    request = bench.script("", files={"requirements__txt": "./no-such-package-here\n"})
    outcome = await bench.run(request)
    assert outcome.failure_reason.startswith("AlgorithmError: InstallRequirementsError:\nExitCode 1\n")


@pytest.mark.parametrize(
    ("reason", "hyperparameters", "want"),
    [
        (
            "no archive",
            {"sagemaker_submit_directory": '"s3://BUCKET/none.tar.gz"'},
            "AlgorithmError: Framework Error: ",
        ),
        ("no such script", {"sagemaker_program": '"other.py"'}, "AlgorithmError: The entry point other.py is not in"),
        ("MPI", {"sagemaker_mpi_enabled": "true"}, "ClientError: Local mode can't start the distribution"),
    ],
)
async def test_source_that_can_not_run(bench: Any, reason: str, hyperparameters: Any, want: str) -> None:
    settings = {name: value.replace("BUCKET", bench.bucket) for name, value in hyperparameters.items()}
    outcome = await bench.run(bench.script("", hyperparameters=settings))
    assert outcome.status is OutcomeStatus.FAILED, reason
    assert outcome.failure_reason.startswith(want), reason


@pytest.mark.parametrize(
    ("reason", "member"),
    [
        ("a path upwards", tarfile.TarInfo("../evil.py")),
        ("an absolute path", tarfile.TarInfo("/tmp/evil.py")),
        ("a link outwards", _link := tarfile.TarInfo("link")),
    ],
)
async def test_an_archive_that_leads_out_is_refused(bench: Any, reason: str, member: tarfile.TarInfo) -> None:
    _link.type, _link.linkname = tarfile.SYMTYPE, "/etc"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(member)
    request = bench.script("")
    bench.put("code/sourcedir.tar.gz", buffer.getvalue())
    outcome = await bench.run(request)
    assert "leads out of its directory" in outcome.failure_reason, reason


async def test_an_archive_that_unpacks_too_far_is_refused(bench: Any) -> None:
    outcome = await bench.run(bench.script("x" * 2_000), source_limit_bytes=1_000)
    assert "The source archive holds more than 1000 bytes" in outcome.failure_reason
