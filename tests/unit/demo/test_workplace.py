"""The demo's folder is its own, and so is its environment."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.workplace import Workplace, isolated, orderly_end


def test_the_users_settings_stay_outside(tmp_path: Path) -> None:
    variables = {
        "PATH": "/bin",
        "AWS_PROFILE": "production",
        "AWS_ACCESS_KEY_ID": "secret",
        "KUBECONFIG": "/home/me/.kube/config",
        "SAGEBRIDGE_BUCKET": "s3://mine",
        "NO_PROXY": "internal",
    }
    result = isolated(variables, workplace=Workplace(directory=tmp_path), poll_interval=2.0)
    assert result["PATH"] == "/bin"
    assert result["SAGEBRIDGE_POLL_INTERVAL_SECONDS"] == "2.0"
    assert result["NO_PROXY"] == "internal,127.0.0.1,localhost"
    assert result["AWS_CONFIG_FILE"] == os.devnull
    assert not {"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "KUBECONFIG", "SAGEBRIDGE_BUCKET"} & result.keys()


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(DemoError, match="not empty, and not of an earlier demo"),
        Workplace(directory=tmp_path).occupied(),
    ):
        pass
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_what_an_earlier_demo_left_is_removed(tmp_path: Path) -> None:
    workplace = Workplace(directory=tmp_path / "demo")
    with workplace.occupied():
        workplace.report.write_text("{}")
        workplace.model.mkdir()
    assert workplace.report.exists()
    with workplace.occupied():
        assert not workplace.report.exists()
        assert not workplace.model.exists()


def test_two_demos_at_once_are_refused(tmp_path: Path) -> None:
    workplace = Workplace(directory=tmp_path / "demo")
    with workplace.occupied(), pytest.raises(DemoError, match="Another demo works in"), workplace.occupied():
        pass


def disturbed_twice() -> None:
    with orderly_end():
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGINT)


def test_a_second_signal_does_not_disturb_the_cleaning_up() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        disturbed_twice()
    assert signal.getsignal(signal.SIGTERM) is before
