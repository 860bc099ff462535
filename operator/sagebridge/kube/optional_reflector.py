"""A collection of an API that a cluster may have or not, followed while it has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sagebridge.kube.client import KubeClient
from sagebridge.kube.discovery import preferred_version
from sagebridge.kube.errors import KubeError
from sagebridge.kube.paths import Resource
from sagebridge.kube.reflector import Reflector

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0


class OptionalReflector:
    """Looks now and then whether a group is there; `follow` makes what follows its preferred version.

    `found` is told at each look whether it is there, unless that can't be told.

    What it tells is of use and not of need: that it can't be had is nobody's failure.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        group: str,
        plural: str,
        follow: Callable[[Resource], Reflector],
        found: Callable[[bool], None] = lambda _is_there: None,
        every: float = _LOOK_SECONDS,
    ) -> None:
        self._client = client
        self._group = group
        self._plural = plural
        self._follow = follow
        self._found = found
        self._every = every
        self._version: str | None = None

    async def run(self) -> None:
        """Follow, whenever there is something to follow, until cancelled."""
        while True:
            if (version := await self._look()) is None:
                await asyncio.sleep(self._every)
            else:
                await self._run_while(version)

    async def _run_while(self, version: str) -> None:
        resource = Resource(group=self._group, version=version, plural=self._plural)
        reflector = self._follow(resource)
        following = asyncio.create_task(reflector.run())
        try:
            while await self._look() == version:
                await asyncio.wait({following}, timeout=self._every)
                if following.done():
                    following.result()
        finally:
            following.cancel()
            await asyncio.wait({following})
        # The API has taken its objects with it; another version's are listed anew.
        reflector.forget()

    async def _look(self) -> str | None:
        """The version there is; as before, while that can't be told."""
        try:
            self._version = await preferred_version(self._client, self._group)
        except KubeError as error:
            logger.debug("Whether there is %s can't be told: %s", self._group, error)
        else:
            self._found(self._version is not None)
        return self._version
