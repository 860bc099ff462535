"""What `sagebridge logs` says when CloudWatch Logs can't be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError, UnauthorizedSSOTokenError
from sagebridge.cli import logs
from support.scripted_logs import ScriptedLogs
from typer.testing import CliRunner


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ScriptedLogs:
    """The log of what kubectl finds, whatever it is asked for."""
    status = {"logs": {"groupName": "g", "streamPrefix": "s"}}
    (tmp_path / "object").write_text(json.dumps({"metadata": {"name": "digits"}, "status": status}))
    (tmp_path / "kubectl").write_text(f"#!/bin/sh\ncat {tmp_path}/object\n")
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    scripted = ScriptedLogs(s=[[(1, "a")]])
    monkeypatch.setattr(logs.boto3, "client", lambda *_, **__: scripted.client)
    return scripted


@pytest.mark.parametrize(
    ("code", "blames"),
    [
        ("AccessDeniedException", True),
        ("ExpiredTokenException", True),
        ("UnrecognizedClientException", True),
        ("ThrottlingException", False),
        ("InvalidParameterException", False),
        ("ServiceUnavailableException", False),
    ],
)
def test_credentials_are_blamed_only_for_what_they_do(cloudwatch: ScriptedLogs, code: str, blames: bool) -> None:
    cloudwatch.refusals = [code]
    result = CliRunner().invoke(logs.app, ["digits"])
    assert result.exit_code == 1
    start = "CloudWatch Logs can't be read" + (" with this shell's credentials" if blames else "")
    assert result.stderr.startswith(f"Error: {start}: An error occurred ({code})")


@pytest.mark.parametrize(
    ("error", "blames"),
    [
        (NoCredentialsError(), True),
        (UnauthorizedSSOTokenError(), True),
        (ConnectTimeoutError(endpoint_url="https://logs"), False),
    ],
)
def test_calls_that_never_left(cloudwatch: ScriptedLogs, error: Exception, blames: bool) -> None:
    def fail(**_: object) -> None:
        raise error

    cloudwatch.client.meta.events.register_first("before-call.cloudwatch-logs.GetLogEvents", fail)
    result = CliRunner().invoke(logs.app, ["digits"])
    start = "CloudWatch Logs can't be read" + (" with this shell's credentials" if blames else "")
    assert (result.exit_code, result.stderr) == (1, f"Error: {start}: {error}\n")


@pytest.mark.parametrize("since", ["600000h", f"{'9' * 400}h"], ids=["before 1970", "before all time"])
def test_more_time_than_there_is_means_all(cloudwatch: ScriptedLogs, since: str) -> None:
    result = CliRunner().invoke(logs.app, ["digits", "--since", since])
    assert (result.exit_code, result.stdout) == (0, "a\n")
    assert all("startTime" not in request for request in cloudwatch.requests)
