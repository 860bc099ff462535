"""Log lines and metrics, from scripts that write what scripts should not."""

from pathlib import Path
from typing import Any

from sagebridge_local.runtime.run import OutcomeStatus


async def test_odd_output_does_no_harm(bench: Any) -> None:
    script = """
    import sys
    sys.stdout.buffer.write(b"not \\xff utf-8\\n")
    print()
    print("x" * 1_000_000)
    print("last without newline", end="")
    """
    outcome = await bench.run(bench.script(script))
    assert outcome.status is OutcomeStatus.COMPLETED
    log = bench.log()
    assert "not \ufffd utf-8" in log
    assert "last without newline" in log
    assert "" not in log
    cut = next(line for line in log if line.startswith("xxx"))
    assert cut.endswith("x [line cut]")
    assert len(cut.encode()) == 256 * 1024 - 26


async def test_many_lines_arrive_in_order(bench: Any) -> None:
    outcome = await bench.run(bench.script("for i in range(30_000): print('line', i)"))
    assert outcome.status is OutcomeStatus.COMPLETED
    lines = (await bench.until(path=Path("algo-1/output.log"))).splitlines()
    assert [line for line in lines if line.startswith("line")] == [f"line {i}" for i in range(30_000)]


async def test_lines_arrive_while_the_script_runs(bench: Any) -> None:
    script = """
    import os, time, boto3
    print("now", flush=True)
    logs = boto3.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    def seen():
        for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
            events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
            if any(event["message"] == "now" for event in events):
                return True
    while not seen():
        time.sleep(0.05)
    """
    assert (await bench.run(bench.script(script))).status is OutcomeStatus.COMPLETED


async def test_a_catastrophic_expression_costs_only_its_metric(bench: Any) -> None:
    definitions = [
        {"Name": "bad", "Regex": "(a|aa)+$"},
        {"Name": "broken", "Regex": "("},
        {"Name": "good", "Regex": "good=([0-9.e+-]+)"},
        {"Name": "words", "Regex": "good=(.*)"},
    ]
    script = "for i in range(10): print('a' * 64 + '!'); print('good=%d' % i)\nprint('good=nan')"
    outcome = await bench.run(bench.script(script, algorithm={"MetricDefinitions": definitions}))
    assert outcome.status is OutcomeStatus.COMPLETED
    assert {each["MetricName"]: each["Value"] for each in outcome.metrics} == {"good": 9.0, "words": 9.0}
    log = bench.log()
    assert any("'broken' is invalid" in line for line in log)
    assert any("'bad' took longer" in line for line in log)
