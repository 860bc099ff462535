"""What the operator says when it can't start: one line that names what to mend, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def start(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if name != "KUBECONFIG"} | {"HOME": str(tmp_path)}
    command = [sys.executable, "-m", "sagebridge.app"]
    return subprocess.run(command, env=bare | environment, capture_output=True, text=True, check=False)


def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    wrong = {
        "SAGEBRIDGE_HEALTH_PORT": "many",
        "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0",
        "SAGEBRIDGE_LOG_FORMAT": "xml",
    }
    ended = start(tmp_path, **wrong)
    assert ended.returncode == 2
    assert sorted(line.partition(": ")[0] for line in ended.stderr.splitlines()) == sorted(wrong)


def test_without_a_cluster_it_says_what_to_set(tmp_path: Path) -> None:
    ended = start(tmp_path, SAGEBRIDGE_HEALTH_PORT="0")
    assert ended.returncode == 1
    assert "KUBECONFIG" in ended.stderr
    assert "Traceback" not in ended.stderr
