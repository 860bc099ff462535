"""CloudWatch's alarms that roll an update back.

Sources:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoRollbackConfig.html (ten alarms at most)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller

CLOUDWATCH: Final = "cloudwatch"
_TYPES: Final = ("MetricAlarm", "CompositeAlarm")


class Alarms:
    """Every call for alarms. All may raise `AwsError`."""

    def __init__(self, *, caller: Caller) -> None:
        self._caller = caller

    async def missing(self, handle: Handle, names: Sequence[str]) -> list[str]:
        """Those of `names`, ten at most, that the handle's account and region do not have."""
        if not names:
            return []
        request = {"AlarmNames": list(names), "AlarmTypes": list(_TYPES)}
        reply = await self._caller.call(handle, "DescribeAlarms", request, service=CLOUDWATCH)
        found = {alarm.get("AlarmName") for kind in _TYPES for alarm in reply.get(f"{kind}s") or ()}
        return [name for name in names if name not in found]
