"""What running trials have logged of their objective, read part by part from their pods."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sagebridge.core.clock import format_time, instant
from sagebridge.core.cluster.pods import Pod
from sagebridge.core.cluster.tuning.series import Series, of_pods
from sagebridge.core.cluster.tuning.trials import ClusterTrial
from sagebridge.core.search.trial import has_ended
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError
from sagebridge.targets.cluster.metrics import hand_over
from sagebridge.targets.cluster.scanning import Part, Scan, ScanError, scanning

logger = logging.getLogger(__name__)

MOST_BYTES: Final = 4 << 20
"""Of each host's log at a look. ``limitBytes`` cuts the end off, where the next look goes on."""

_LOG_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 180.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A trial whose logs are to be read.

    Attributes:
        trial: the trial.
        pods: of its present run, by rank.
        series: what is known of it.
    """

    trial: ClusterTrial
    pods: Sequence[Pod]
    series: Series

    @property
    def is_whole(self) -> bool:
        """Whether its training has ended on all hosts, so that nothing more is logged."""
        return has_ended(self.trial) or all(pod.work.exit_code is not None or pod.is_finished for pod in self.pods)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Host:
    """One log of a reading, and how much of it came; None if it could not be read."""

    reading: Reading
    pod: Pod
    size: int | None = None


def reading(trial: ClusterTrial, pods: Sequence[Pod], known: Series) -> Reading | None:
    """What is to be read of a trial; None if there is nothing new in its logs, or no log."""
    begun = [pod for pod in pods if pod.work.started_at is not None]
    series = known if known.pods == of_pods(pods) else Series(pods=of_pods(pods))
    return Reading(trial=trial, pods=begun, series=series) if begun and not series.is_whole else None


async def read(client: KubeClient, readings: Sequence[Reading]) -> list[Series]:
    """The series of trials of one training definition, as they are now; as before where a log can't be read now.

    One after the other, in one process; a look takes no longer than some minutes.
    """
    if not readings:
        return []
    hosts = [_Host(reading=one, pod=pod) for one in readings for pod in one.pods]
    asked = [{"after": _after(host), "isWhole": host.reading.is_whole, "limit": MOST_BYTES} for host in hosts]
    try:
        async with scanning([readings[0].trial.definition.objective], hosts=len(hosts), parts=asked) as scan:
            handed = await _hand_all_over(client, scan, hosts)
            parts, problems = await scan.parts()
    except ScanError as error:
        logger.warning("%s and others: their objective can't be found: %s", readings[0].trial.job.name, error)
        return [one.series for one in readings]
    for problem in problems:
        logger.warning("%s and others: %s", readings[0].trial.job.name, problem)
    told = list(zip(handed, parts, strict=False))
    return [_extended(one, [(host, part) for host, part in told if host.reading is one]) for one in readings]


async def _hand_all_over(client: KubeClient, scan: Scan, hosts: Sequence[_Host]) -> list[_Host]:
    end = asyncio.get_running_loop().time() + _LOOK_SECONDS
    handed = []
    for host in hosts:
        left = min(_LOG_SECONDS, end - asyncio.get_running_loop().time())
        size = await _hand_over(client, scan, host, seconds=left)
        handed.append(_Host(reading=host.reading, pod=host.pod, size=size))
    return handed


async def _hand_over(client: KubeClient, scan: Scan, host: _Host, *, seconds: float) -> int | None:
    after = _after(host)
    wanted = {"limitBytes": str(MOST_BYTES)} | ({"sinceTime": _second(after)} if after else {})
    size = None
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            size = await hand_over(client, scan, host.pod.body, wanted=wanted)
    except (KubeError, TimeoutError) as error:
        logger.info("%s: its log can't be read now: %s", host.pod.name, str(error) or type(error).__name__)
    await scan.end_host()
    return size


def _extended(one: Reading, told: Sequence[tuple[_Host, Part]]) -> Series:
    read = [(host, part) for host, part in told if host.size is not None]
    found = [value for _, part in read for value in part.values]
    positions = {str(host.pod.index): _position(host, part) for host, part in read}
    at_their_ends = len(read) == len(one.pods) and all((host.size or 0) < MOST_BYTES for host, _ in read)
    return one.series.extended(
        found,
        read={rank: at for rank, at in positions.items() if at},
        is_whole=one.is_whole and at_their_ends,
    )


def _position(host: _Host, part: Part) -> str:
    """Where the next look goes on. Times are asked for by the second: one that fills a look is not looked at twice."""
    after = _after(host)
    if host.size is None or host.size < MOST_BYTES or not after or _second(part.at) != _second(after):
        return part.at
    return format_time(datetime.fromtimestamp(math.floor(instant(after)[0]) + 1, UTC))


def _after(host: _Host) -> str:
    return host.reading.series.read.get(str(host.pod.index), "")


def _second(at: str) -> str:
    return format_time(datetime.fromtimestamp(instant(at)[0], UTC))
