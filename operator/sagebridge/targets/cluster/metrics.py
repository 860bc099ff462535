"""The metrics of a training on the cluster: its metric definitions, over what its pods have printed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sagebridge.core.cluster.document import FILE
from sagebridge.core.cluster.engines import attempt_name
from sagebridge.core.cluster.names import TRAIN
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError, NotFoundError
from sagebridge.kube.paths import CONFIG_MAPS, PODS
from sagebridge.targets.cluster.scanning import Scan, ScanError, scanning

logger = logging.getLogger(__name__)

MOST_LINES: Final = 50_000
"""Of each pod's log, from its end. ``limitBytes`` would cut that end off: what looks at it keeps the last bytes."""

_READ_SECONDS: Final = 180.0
_MOST_FAILURES: Final = 10
"""A node that stays away for some minutes must not keep its job open for ever."""

Definitions = Sequence[Mapping[str, str]]


class PodMetrics:
    """Reads logs once a job has ended; a log that can't be read costs its metrics, not the job."""

    def __init__(self, *, client: KubeClient) -> None:
        self._client = client
        # One job at a time, in the order in which they ended: logs are large, and expressions may take their time.
        self._turn = asyncio.Lock()
        self._failures: dict[str, int] = {}

    async def final(self, job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """``finalMetricDataList``: the last value of each metric over all hosts, by the time it was printed.

        Raises:
            KubeError: something can't be read now, and may be later.
        """
        name, uid = _name(job), job["metadata"].get("uid", "")
        definitions = await self._definitions(job)
        found: list[dict[str, Any]] = []
        if definitions and pods:
            try:
                async with self._turn:
                    found = await self._scan(name, definitions, pods)
            except ScanError as error:
                logger.warning("%s: no metrics: %s", name, error)
            except KubeError as error:
                self._failures[uid] = self._failures.get(uid, 0) + 1
                if self._failures[uid] < _MOST_FAILURES:
                    raise
                logger.warning("%s: no metrics, after %d tries: %s", name, _MOST_FAILURES, error)
        self._failures.pop(uid, None)
        return found

    async def _definitions(self, job: Mapping[str, Any]) -> Definitions:
        path = CONFIG_MAPS.item(namespace=job["metadata"]["namespace"], name=attempt_name(job))
        try:
            body = await self._client.get(path)
            return _read(json.loads(body["data"][FILE]))
        except KubeError as error:
            if not _is_final(error):
                raise
            logger.warning("%s: no metrics: %s", _name(job), error)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            # Somebody has made a ConfigMap of that name anew.
            logger.warning("%s: no metrics: its ConfigMap says something else: %r", _name(job), error)
        return ()

    async def _scan(
        self, name: str, definitions: Definitions, pods: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        async with scanning(definitions, hosts=len(pods)) as scan:
            try:
                async with asyncio.timeout(_READ_SECONDS):
                    for pod in pods:
                        await hand_over(self._client, scan, pod, wanted={"tailLines": str(MOST_LINES)})
                        await scan.end_host()
            except TimeoutError:
                logger.warning("%s: metrics of some hosts only: their logs took too long to read", name)
            result = await scan.result()
        for problem in result.problems:
            logger.warning("%s: metrics are missing: %s", name, problem)
        return list(result.metrics)


async def hand_over(client: KubeClient, scan: Scan, pod: Mapping[str, Any], *, wanted: Mapping[str, str]) -> int:
    """Hand a pod's log over, as far as it is `wanted`; how many bytes it was. One that is not there has none.

    Raises:
        KubeError: it can't be read now, and may be later.
        ScanError: nobody listens.
    """
    metadata, count = pod["metadata"], 0
    path = f"{PODS.item(namespace=metadata['namespace'], name=metadata['name'])}/log"
    parameters = {"container": TRAIN, "timestamps": "true", **wanted}
    try:
        async with contextlib.aclosing(client.stream(path, parameters=parameters)) as chunks:
            async for chunk in chunks:
                await scan.feed(chunk)
                count += len(chunk)
    except KubeError as error:
        if not _is_final(error):
            raise
        logger.warning("%s: its log can't be read: %s", _name(pod), error)
    return count


def _is_final(error: KubeError) -> bool:
    """Whether the object is gone, or there is no such log: its container never ran, or its node is gone."""
    return isinstance(error, NotFoundError) or error.status == 400


def _read(document: Mapping[str, Any]) -> Definitions:
    given = document["request"]["AlgorithmSpecification"].get("MetricDefinitions") or ()
    return [{"Name": str(one["Name"]), "Regex": str(one["Regex"])} for one in given]


def _name(body: Mapping[str, Any]) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"
