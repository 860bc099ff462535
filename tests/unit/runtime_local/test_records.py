"""Settings from the user's environment."""

import sys
from pathlib import Path

import pytest
from sagebridge_local.runtime.records import RuntimeSettings


def test_nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGEBRIDGE_LOCAL_PYTHON", raising=False)
    monkeypatch.delenv("SAGEBRIDGE_LOCAL_FILE_SYSTEMS", raising=False)
    settings = RuntimeSettings.from_environment(stop_grace_seconds=3)
    assert (settings.interpreter, settings.stop_grace_seconds, settings.file_systems) == (sys.executable, 3, {})


def test_all_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEBRIDGE_LOCAL_PYTHON", "/usr/bin/python3")
    monkeypatch.setenv("SAGEBRIDGE_LOCAL_FILE_SYSTEMS", "fs-1=/data/a, fs-2=/data/b")
    settings = RuntimeSettings.from_environment(stop_grace_seconds=120)
    assert settings.interpreter == "/usr/bin/python3"
    assert settings.file_systems == {"fs-1": Path("/data/a"), "fs-2": Path("/data/b")}


def test_said_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEBRIDGE_LOCAL_FILE_SYSTEMS", "/data")
    with pytest.raises(ValueError, match="'/data' is not ID=DIRECTORY"):
        RuntimeSettings.from_environment(stop_grace_seconds=120)
