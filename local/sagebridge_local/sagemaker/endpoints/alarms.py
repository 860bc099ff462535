"""CloudWatch alarms, asked of moto directly."""

from __future__ import annotations

import sys
from typing import Final

IN_ALARM: Final = "ALARM"


def tripped(names: tuple[str, ...], *, account: str, region: str) -> list[str]:
    """Those alarms of an account and region that are in the state ALARM."""
    models = sys.modules.get("moto.cloudwatch.models")
    if models is None or not names:
        return []
    alarms = models.cloudwatch_backends[account][region].alarms
    return [name for name in names if name in alarms and alarms[name].state_value == IN_ALARM]
