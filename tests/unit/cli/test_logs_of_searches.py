"""``sagebridge logs`` of a search on the cluster, which prints nothing itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sagebridge.cli.logs import app
from typer.testing import CliRunner

ASKED = "get trainingjobs.sagebridge.io --selector=sagebridge.io/uid=u1,sagebridge.io/attempt=2 --output=name"
COMPLETED = {"type": "Ready", "status": "True", "message": "churn-n7bcvf completed."}


@pytest.fixture
def kubectl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Puts a program onto the PATH that gives one object, and the names of others, and notes what it was asked."""

    def install(body: dict[str, Any], names: list[str]) -> None:
        (tmp_path / "body").write_text(json.dumps(body))
        (tmp_path / "names").write_text("".join(f"trainingjob.sagebridge.io/{name}\n" for name in names))
        program = tmp_path / "kubectl"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n'
            f'case "$*" in *--selector*) cat {tmp_path}/names ;; *) cat {tmp_path}/body ;; esac\n'
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return install


def search(*, target: str = "Cluster", attempts: int = 2) -> dict[str, Any]:
    return {
        "kind": "HPTuningJob",
        "metadata": {"name": "churn", "namespace": "team-a", "uid": "u1"},
        "spec": {"target": target},
        "status": {
            "attempts": [{"number": number + 1, "name": "churn"} for number in range(attempts)],
            "conditions": [COMPLETED],
        },
    }


@pytest.mark.parametrize(
    ("names", "want"),
    [
        (["churn-002-b", "churn-001-a"], "its trials have: trainingjob/churn-001-a, trainingjob/churn-002-b.\n"),
        ([f"churn-{number:03}-a" for number in range(1, 13)], "trainingjob/churn-010-a and 2 more.\n"),
        ([], "churn has no log of its own, and none of its trials is there.\n"),
    ],
    ids=["some", "many", "none"],
)
def test_a_search_names_its_trials(kubectl: Callable[..., None], tmp_path: Path, names: list[str], want: str) -> None:
    kubectl(search(), names)
    result = CliRunner().invoke(app, ["hptj/churn"])

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: churn has no log of its own")
    assert result.stderr.endswith(want)
    assert (tmp_path / "asked").read_text().splitlines()[1] == f"{ASKED} --namespace=team-a"


@pytest.mark.parametrize("body", [search(target="SageMaker"), search(attempts=0)], ids=["at SageMaker", "not begun"])
def test_a_search_without_trials_of_its_own_says_what_it_waits_for(
    kubectl: Callable[..., None], tmp_path: Path, body: dict[str, Any]
) -> None:
    kubectl(body, ["churn-001-a"])
    result = CliRunner().invoke(app, ["hptj/churn"])

    assert "churn has no log yet: churn-n7bcvf completed." in result.stderr
    assert len((tmp_path / "asked").read_text().splitlines()) == 1
