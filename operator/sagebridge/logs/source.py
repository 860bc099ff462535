"""Where the lines of one attempt come from."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, Protocol

from sagebridge.core.errors import AwsError
from sagebridge.core.logs.cursor import Positions
from sagebridge.core.logs.lines import Excerpt
from sagebridge.core.logs.streams import LogStreams, Look, NotThereError
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.owned import assert_same_account

MOST_CHARACTERS: Final = 1 << 20
"""Of what one look gives, more or less: so much of a log is in memory for one reader."""

_NOT_THERE: Final = "ResourceNotFoundException"
_LIST_SECONDS: Final = 3.0


class Source(Protocol):
    """Reads the log of one attempt, from a position on.

    Attributes:
        settle_seconds: How long after the last line, or the end of the job, another line may still come.
    """

    settle_seconds: float

    @property
    def positions(self) -> Positions:
        """How far it was read."""

    async def look(self, *, thorough: bool = False) -> Look:
        """Read what came since the last look; after a failure the next one goes on where this one stopped.

        Raises:
            sagebridge.core.errors.AwsError: AWS refused, or can't be reached.
            sagebridge.core.errors.NotAllowedError: The tenant policy leads elsewhere than to where the log is.
            sagebridge.kube.errors.KubeError: the API server did, or can't.
        """


class CloudWatchSource:
    """The streams in CloudWatch Logs, read with the tenant's role and within the rates of calls to AWS."""

    settle_seconds = 3.0

    def __init__(
        self,
        *,
        caller: Caller,
        handle: Handle,
        group: str,
        prefix: str,
        names: re.Pattern[str],
        start: Positions | None = None,
        excerpt: Excerpt,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._caller = caller
        self._handle = handle
        self._is_checked = False
        self._streams = LogStreams(
            group=group,
            prefix=prefix,
            names=names,
            now=now,
            excerpt=excerpt,
            start=start,
            most_characters=MOST_CHARACTERS,
            list_every=_LIST_SECONDS,
        )

    @property
    def positions(self) -> Positions:
        """How far it was read."""
        return self._streams.positions

    async def look(self, *, thorough: bool = False) -> Look:
        """See `Source.look`. In another account than the job was made in, the log of its name is somebody else's."""
        if not self._is_checked:
            await assert_same_account(self._caller, self._handle, what=self._handle.name, remedy="read its log")
            self._is_checked = True
        looking = self._streams.look(thorough=thorough)
        try:
            ask = next(looking)
            while True:
                try:
                    reply = await self._caller.call(self._handle, ask.operation, ask.request, service="logs")
                except AwsError as error:
                    if error.code != _NOT_THERE:
                        raise
                    ask = looking.throw(NotThereError())
                else:
                    ask = looking.send(reply)
        except StopIteration as end:
            found: Look = end.value
            return found
        finally:
            looking.close()
