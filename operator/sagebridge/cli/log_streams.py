"""The log streams of a job or an endpoint in CloudWatch Logs, read with this shell's credentials."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from botocore import xform_name

from sagebridge.core.logs.lines import WHOLE, Excerpt, LogLine
from sagebridge.core.logs.streams import Ask, LogStreams, NotThereError

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient


class JobLogs:
    """The log streams of one job or endpoint, read on from where the last call stopped.

    Attributes:
        group: The log group.
        prefix: What the names of the job's streams begin with; empty where the group is the endpoint's own.
    """

    def __init__(
        self,
        client: CloudWatchLogsClient,
        *,
        group: str,
        prefix: str,
        excerpt: Excerpt = WHOLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self.group = group
        self.prefix = prefix
        self._streams = LogStreams(group=group, prefix=prefix, excerpt=excerpt, now=now)

    def new_lines(self, *, thorough: bool = False) -> list[LogLine]:
        """Return what came since the last call, in order of time; nothing if there is no log yet.

        After a failure the next call goes on where this one stopped.

        Args:
            thorough: Whether to look also at streams that have long been quiet, which otherwise only some calls do.

        Raises:
            botocore.exceptions.ClientError: CloudWatch Logs refused.
        """
        looking = self._streams.look(thorough=thorough)
        try:
            ask = next(looking)
            while True:
                try:
                    reply = self._call(ask)
                except self._client.exceptions.ResourceNotFoundException:
                    ask = looking.throw(NotThereError())
                else:
                    ask = looking.send(reply)
        except StopIteration as end:
            return list(end.value.lines)
        finally:
            looking.close()

    def _call(self, ask: Ask) -> Mapping[str, Any]:
        call = getattr(self._client, xform_name(ask.operation))
        return cast("Mapping[str, Any]", call(**ask.request))
