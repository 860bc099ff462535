"""A lane that can't be opened leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from faults.lane import Lane
from sagebridge_local.stack import processes
from support.forking import Programs


def test_what_was_started_until_then_is_ended(tmp_path: Path) -> None:
    started: list[int] = []

    def spawn(*arguments: Any, **options: Any) -> Any:
        record, child = processes.spawn(*arguments, **options)
        started.append(record.pid)
        return record, child

    unreadable = cast(Any, SimpleNamespace(certificate_authority=tmp_path / "no-such-file"))
    lane = Lane(
        directory=tmp_path,
        control_plane=unreadable,
        cluster=cast(Any, None),
        programs=Programs(operator=spawn, simulator=spawn),
        kinds=(),
    )
    with pytest.raises(FileNotFoundError):
        lane.__enter__()
    assert len(started) == 1, "the local SageMaker"
    assert not psutil.pid_exists(started[0])
