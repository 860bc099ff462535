"""Processing jobs: a script that knows only /opt/ml/processing, its inputs and outputs, and what it is told."""

import asyncio
import gzip
import json
import textwrap
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sagebridge.core.processing.script import CODE_PATH, entrypoint
from sagebridge_local.runtime.run import JobRun, Outcome, RunHandle, start_processing

from tests.integration.runtime.conftest import ACCOUNT, REGION, SKLEARN, Workbench

DATA = "/opt/ml/processing/data"
RESULT = "/opt/ml/processing/result"


class Processing:
    """Runs processing jobs with a test's bucket."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.stages: list[str] = []

    def source(self, key: str, path: str, **more: Any) -> dict[str, Any]:
        s3 = {"S3Uri": f"s3://{self.bench.bucket}/{key}", "LocalPath": path, "S3DataType": "S3Prefix", **more}
        return {"InputName": path.rsplit("/", 1)[-1], "S3Input": s3}

    def result(self, path: str = RESULT, *, mode: str = "EndOfJob") -> dict[str, Any]:
        name = path.rsplit("/", 1)[-1]
        s3 = {"S3Uri": f"s3://{self.bench.bucket}/{name}", "LocalPath": path, "S3UploadMode": mode}
        return {"OutputName": name, "S3Output": s3}

    def request(
        self, text: str, *, files: Mapping[str, str] | None = None, arguments: tuple[str, ...] = (), **members: Any
    ) -> dict[str, Any]:
        """A request as `resolve` makes it for script mode with main.py."""
        self.bench.source(main__py=textwrap.dedent(text), **(files or {}))
        inputs = [*members.pop("inputs", ()), self.source("code/sourcedir.tar.gz", CODE_PATH)]
        application = {"ImageUri": SKLEARN, "ContainerEntrypoint": entrypoint("main.py")}
        return {
            "ProcessingJobName": "digits-1",
            "AppSpecification": application | ({"ContainerArguments": list(arguments)} if arguments else {}),
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/processing",
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": members.pop("outputs", [self.result()])},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
            },
            **members,
        }

    def start(self, request: Mapping[str, Any], **settings: Any) -> RunHandle:
        run = JobRun(
            name="digits-1",
            arn=f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/digits-1",
            request=request,
            region=REGION,
            account=ACCOUNT,
            work_dir=self.bench.work_dir,
            endpoint_url=self.bench.endpoint_url,
            images=settings.pop("images", {}),
            credentials={"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
            settings=replace(self.bench.settings, **settings),
        )
        return start_processing(run, report=lambda progress: self.stages.append(progress.secondary_status))

    async def run(self, request: Mapping[str, Any], **settings: Any) -> Outcome:
        return await self.start(request, **settings).outcome()

    def log(self) -> str:
        """What CloudWatch Logs has of the first host."""
        group = {"logGroupName": "/aws/sagemaker/ProcessingJobs"}
        logs = self.bench.client("logs")
        streams = logs.describe_log_streams(**group, logStreamNamePrefix="digits-1/algo-1-")["logStreams"]
        name = max(streams, key=lambda stream: stream["creationTime"])["logStreamName"]
        events = logs.get_log_events(**group, logStreamName=name, startFromHead=True)["events"]
        return "\n".join(event["message"] for event in events)


@pytest.fixture
def processing(bench: Workbench) -> Processing:
    return Processing(bench)


SUM = """
    import json, pathlib, sys
    root = pathlib.Path("/opt/ml/processing")
    numbers = [int(line) for path in sorted((root / "data").rglob("*.txt")) for line in path.read_text().split()]
    (root / "result" / "deep").mkdir()
    (root / "result" / "deep" / "sum.txt").write_text(str(sum(numbers) * int(sys.argv[2])))
    pathlib.Path("/opt/ml/output/message").write_text("summed %d" % len(numbers))
    print("job:", json.load(open("/opt/ml/config/processingjobconfig.json"))["ProcessingJobArn"])
    print("host:", open("/opt/ml/config/resourceconfig.json").read())
    print("data:", sorted(str(path) for path in (root / "data").rglob("*.txt")))
"""


async def test_reads_its_inputs_writes_its_outputs_and_says_how_it_went(processing: Processing) -> None:
    processing.bench.put("in/a.txt", "1\n2\n")
    processing.bench.put("in/b/c.txt", "3\n")
    request = processing.request(SUM, inputs=[processing.source("in/", DATA)], arguments=("--times", "10"))

    ended = await processing.run(request)

    assert (ended.status, ended.failure_reason) == ("Completed", None)
    assert ended.exit_message == "summed 3"
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/deep/sum.txt") == b"60"
    assert processing.stages == ["Downloading", "Processing", "Uploading"]
    log = processing.log()
    assert f"job: arn:aws:sagemaker:{REGION}:{ACCOUNT}:processing-job/digits-1" in log
    assert 'host: {"current_host": "algo-1", "hosts": ["algo-1"]}' in log
    assert f"data: ['{DATA}/a.txt', '{DATA}/b/c.txt']" in log


async def test_each_host_gets_its_share_and_its_own_tree(processing: Processing) -> None:
    for name in ("a", "b", "c"):
        processing.bench.put(f"in/{name}.txt", name)
    text = """
        import json, os
        host = json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"]
        open(f"/opt/ml/processing/result/{host}", "w").write(" ".join(sorted(os.listdir("/opt/ml/processing/data"))))
    """
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}
    sharded = processing.source("in/", DATA, S3DataDistributionType="ShardedByS3Key")
    request = processing.request(text, inputs=[sharded], ProcessingResources={"ClusterConfig": cluster})

    ended = await processing.run(request)

    assert ended.status == "Completed", ended.failure_reason
    got = {name: processing.bench.get(f"s3://{processing.bench.bucket}/result/{name}") for name in ("algo-1", "algo-2")}
    assert got == {"algo-1": b"a.txt c.txt", "algo-2": b"b.txt"}


async def test_a_failure_leaves_no_output_but_its_message(processing: Processing) -> None:
    text = """
        import pathlib, sys
        pathlib.Path("/opt/ml/processing/result/half").write_text("half")
        pathlib.Path("/opt/ml/output/message").write_text("x" * 2000)
        sys.exit(7)
    """
    ended = await processing.run(processing.request(text))
    assert (ended.status, ended.exit_code) == ("Failed", 7)
    assert ended.failure_reason == "AlgorithmError: , exit code: 7"
    assert ended.exit_message == "x" * 1024
    assert processing.bench.keys("result") == []


async def test_a_message_that_is_no_text_fails_the_job_but_keeps_what_was_to_be_kept_meanwhile(
    processing: Processing,
) -> None:
    text = """
        import pathlib
        for name in ("result", "seen"):
            pathlib.Path("/opt/ml/processing", name, "it").touch()
        pathlib.Path("/opt/ml/output/message").write_bytes(b"\\xff")
    """
    seen = processing.result("/opt/ml/processing/seen", mode="Continuous")
    ended = await processing.run(processing.request(text, outputs=[processing.result(), seen]))
    assert ended.status == "Failed"
    assert ended.failure_reason == "ClientError: The content of /opt/ml/output/message is not UTF-8 encoded"
    assert (processing.bench.keys("result"), processing.bench.keys("seen")) == ([], ["seen/it"])


async def test_what_a_script_installs_stays_with_its_job(processing: Processing, tmp_path: Path) -> None:
    wheel = tmp_path / "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("greeting.py", "WORD = 'hello'")
        file.writestr("greeting-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        file.writestr("greeting-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr("greeting-1.0.dist-info/RECORD", "")
    text = """
        import greeting, sys
        open("/opt/ml/processing/result/word", "w").write(f"{greeting.WORD} {greeting.__file__}")
    """
    ended = await processing.run(processing.request(text, files={"requirements__txt": f"{wheel}\n"}))
    assert ended.status == "Completed", processing.log()
    word, place = processing.bench.get(f"s3://{processing.bench.bucket}/result/word").decode().split()
    assert word == "hello"
    assert place.startswith(str(processing.bench.work_dir))


LOOP = """
    import pathlib, signal, sys, time
    result = pathlib.Path("/opt/ml/processing/result")
    def end(*_):
        (result / "last.txt").write_text("last")
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    (result / "first.txt").write_text("first")
    while True:
        time.sleep(0.05)
"""


async def test_continuous_outputs_are_there_while_it_runs_and_after_a_stop(processing: Processing) -> None:
    handle = processing.start(processing.request(LOOP, outputs=[processing.result(mode="Continuous")]))
    await asyncio.wait_for(processing.bench.until(keys=("result", ["result/first.txt"])), 60)
    await handle.stop()
    ended = await handle.outcome()
    assert ended.status == "Stopped"
    assert processing.bench.keys("result") == ["result/first.txt", "result/last.txt"]


async def test_a_stopped_job_leaves_no_output_of_its_end(processing: Processing) -> None:
    seen = processing.result("/opt/ml/processing/seen", mode="Continuous")
    text = LOOP + "    (result / 'never').touch()\n"
    begun = text.replace('(result / "first', 'pathlib.Path("/opt/ml/processing/seen/it").touch()\n    (result / "first')
    handle = processing.start(processing.request(begun, outputs=[processing.result(), seen]))
    await asyncio.wait_for(processing.bench.until(keys=("seen", ["seen/it"])), 60)
    await handle.stop()
    assert (await handle.outcome()).status == "Stopped"
    assert processing.bench.keys("result") == []


async def test_streams_an_input_in_pipe_mode(processing: Processing) -> None:
    processing.bench.put("in/a.txt", "1\n")
    text = f"""
        import pathlib
        pathlib.Path("{RESULT}/read").write_bytes(open("{DATA}_0", "rb").read())
    """
    piped = processing.source("in/", DATA, S3InputMode="Pipe")
    ended = await processing.run(processing.request(text, inputs=[piped]))
    assert ended.status == "Completed", ended.failure_reason
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/read") == b"1\n"


async def test_unpacks_a_gzipped_stream(processing: Processing) -> None:
    for name in ("a", "b"):
        processing.bench.put(f"in/{name}.gz", gzip.compress(f"{name}\n".encode()))
    text = f"""
        import pathlib
        pathlib.Path("{RESULT}/read").write_bytes(open("{DATA}_0", "rb").read())
    """
    piped = processing.source("in/", DATA, S3InputMode="Pipe", S3CompressionType="Gzip")
    ended = await processing.run(processing.request(text, inputs=[piped]))
    assert ended.status == "Completed", ended.failure_reason
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/read") == b"a\nb\n"


async def test_a_manifest_names_the_objects(processing: Processing) -> None:
    for name in ("a", "b", "c"):
        processing.bench.put(f"in/{name}.txt", name)
    prefix = f"s3://{processing.bench.bucket}/in/"
    processing.bench.put("list", json.dumps([{"prefix": prefix}, "a.txt", "c.txt"]))
    text = f"""
        import os
        open("{RESULT}/seen", "w").write(" ".join(sorted(os.listdir("{DATA}"))))
    """
    listed = processing.source("list", DATA, S3DataType="ManifestFile")
    ended = await processing.run(processing.request(text, inputs=[listed]))
    assert ended.status == "Completed", ended.failure_reason
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/seen") == b"a.txt c.txt"


async def test_outputs_are_encrypted_with_their_key(processing: Processing) -> None:
    request = processing.request(f"open('{RESULT}/it', 'w').write('x')")
    request["ProcessingOutputConfig"]["KmsKeyId"] = "alias/mine"
    ended = await processing.run(request)
    assert ended.status == "Completed", ended.failure_reason
    head = processing.bench.client("s3").head_object(Bucket=processing.bench.bucket, Key="result/it")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")


async def test_what_the_environment_says_reaches_the_script(processing: Processing) -> None:
    text = f"""
        import os
        open("{RESULT}/seen", "w").write(os.environ["GREETING"])
    """
    ended = await processing.run(processing.request(text, Environment={"GREETING": "hello, world"}))
    assert ended.status == "Completed", ended.failure_reason
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/seen") == b"hello, world"


async def test_network_isolation_cuts_a_script_off(processing: Processing) -> None:
    text = """
        import os, socket
        assert "AWS_ENDPOINT_URL" not in os.environ
        try:
            socket.create_connection(("127.0.0.1", 80), timeout=5)
        except OSError as error:
            open("/opt/ml/processing/result/error", "w").write(os.strerror(error.errno))
    """
    ended = await processing.run(processing.request(text, NetworkConfig={"EnableNetworkIsolation": True}))
    assert ended.status == "Completed", processing.log()
    error = processing.bench.get(f"s3://{processing.bench.bucket}/result/error")
    assert error == b"Network is unreachable"


def _own_image(processing: Processing) -> dict[str, Any]:
    request = processing.request("")
    return request | {"AppSpecification": {"ImageUri": "own:1", "ContainerArguments": ["a b"]}}


def _dataset(processing: Processing) -> dict[str, Any]:
    place = {"Catalog": "c", "Database": "d", "OutputS3Uri": "s3://b/o"}
    athena = {**place, "QueryString": "q", "OutputFormat": "TEXTFILE"}
    definition = {"LocalPath": DATA, "AthenaDatasetDefinition": athena}
    return processing.request("", inputs=[{"InputName": "table", "DatasetDefinition": definition}])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_own_image, "ClientError: Local mode can't run the image own:1"),
        (_dataset, "ClientError: Input table: local mode has no Athena or Redshift"),
        (
            lambda processing: processing.request("", inputs=[processing.source("nothing/", DATA)]),
            "ClientError: Data download failed: No S3 objects found under S3 URL",
        ),
        (
            lambda processing: processing.request("", inputs=[processing.source("nothing/", "/opt/ml/model")]),
            "ClientError: /opt/ml/model is not below /opt/ml/processing",
        ),
        (
            lambda processing: processing.request("", outputs=[processing.result(f"{RESULT}/../../model")]),
            "ClientError: ",
        ),
    ],
    ids=["own image", "dataset", "no data", "input elsewhere", "output elsewhere"],
)
async def test_fails_by_its_request(
    processing: Processing, make: Callable[[Processing], dict[str, Any]], reason: str
) -> None:
    ended = await processing.run(make(processing))
    assert ended.status == "Failed"
    assert (ended.failure_reason or "").startswith(reason)


async def test_a_command_stands_for_an_own_image(processing: Processing) -> None:
    words = ["/bin/sh", "-c", f'echo "$0" > {RESULT}/said']
    ended = await processing.run(_own_image(processing), images={"own:*": words})
    assert ended.status == "Completed", ended.failure_reason
    assert processing.bench.get(f"s3://{processing.bench.bucket}/result/said") == b"a b\n"
