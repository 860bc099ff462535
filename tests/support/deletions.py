"""Deletions that were asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from sagebridge.core.deletion import Deletion

HOUR = timedelta(hours=1)


def asked_for(at: datetime, *, deadline: timedelta = HOUR) -> Deletion:
    """One at which this process has worked from the beginning."""
    return Deletion(requested_at=at, began_at=at, deadline=deadline)
