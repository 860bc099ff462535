"""The container beside a model server: it brings the objects of a batch transform, and takes the answers to S3."""

from __future__ import annotations

import functools
import logging
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.host import completion_index, endpoint_url
from sagebridge.agent.retries import Retries
from sagebridge.agent.transform.document import TransformDocument
from sagebridge.agent.transform.health import Health, UnhealthyError, containers
from sagebridge.agent.transform.message import FailedObject, TransformMessage
from sagebridge.agent.transform.objects import ObjectTransformer
from sagebridge.agent.transform.server import ModelServer
from sagebridge.core.transform.batch import unhealthy
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.s3 import Connection, Storage
from sagebridge.runtime.transform import parameters, places
from sagebridge.runtime.transform.planning import planned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.agent.places import Places
    from sagebridge.agent.surroundings import Surroundings
    from sagebridge.runtime.inputs import InputObject

TICK_SECONDS: Final = 1.0
_LOGS: Final = "the logs of its pods"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Share:
    """One pod's part of a job.

    Attributes:
        document: job.json.
        index: the pod's completion index.
        storage: S3.
    """

    document: TransformDocument
    index: int
    storage: Storage

    @classmethod
    def load(cls, place: Places, environment: Mapping[str, str]) -> _Share:
        """Read which it is.

        Raises:
            DocumentError: job.json is not what this agent understands, or nothing says which pod this is.
            RunFailedError: boto3 can't find our keys.
        """
        document = TransformDocument.parse(place.job.read_text(encoding="utf-8"))
        connection = Connection(region=document.region, endpoint_url=endpoint_url(environment))
        index = completion_index(environment, size=document.count)
        return cls(document=document, index=index, storage=Storage(connection, token=CancelToken()))

    @property
    def name(self) -> str:
        """What no other pod's captured data is called."""
        document = self.document
        return document.name if document.count == 1 else f"{document.name}-{self.index}"

    def of(self, objects: list[InputObject]) -> list[tuple[int, InputObject]]:
        """This pod's objects, with their positions among all: every so many-th."""
        return list(enumerate(objects))[self.index :: self.document.count]


def transform(
    environment: Mapping[str, str], place: Places, surroundings: Surroundings, *, server: ModelServer
) -> TransformMessage:
    """Transform this pod's share of the objects, until it is done or the pod is told to end. Blocks.

    Args:
        environment: The container's.
        place: The volumes.
        surroundings: The time, and whether the pod ends.
        server: The model.
    """
    began = surroundings.clock.now()
    done = threading.Event()
    results: list[TransformMessage] = []

    def work() -> None:
        results.append(_work(environment, place, surroundings, server))
        done.set()

    # A request may take an hour: nobody waits for the thread once the pod is told to end.
    threading.Thread(target=work, daemon=True).start()
    while not surroundings.clock.wait(done, TICK_SECONDS) and surroundings.termination.since is None:
        pass
    message = results[0] if results else TransformMessage(terminated=True)
    return replace(message, start_time=began, end_time=surroundings.clock.now())


def _work(
    environment: Mapping[str, str], place: Places, surroundings: Surroundings, server: ModelServer
) -> TransformMessage:
    try:
        share = _Share.load(place, environment)
        return _Run(share, place, surroundings, server).run()
    except Exception as error:  # noqa: BLE001 - the owner of the job must read it, whatever it is
        tell(error)
        return TransformMessage(failure_reason=failure_reason(error, doing="download", document=None))


class _Run:
    def __init__(self, share: _Share, place: Places, surroundings: Surroundings, server: ModelServer) -> None:
        document = share.document
        self._share = share
        self._server = server
        self._health = Health(
            server,
            containers=lambda: containers(place.proc, cgroup=surroundings.cgroup),
            clock=surroundings.clock,
        )
        self._retries = Retries(
            clock=surroundings.clock,
            termination=surroundings.termination,
            seconds=document.upload_seconds,
            grace_seconds=0,
            transient_only=True,
        )

    def run(self) -> TransformMessage:
        """Transform this pod's objects.

        Raises:
            RunFailedError: S3 refused, or there is nothing to be transformed.
        """
        document = self._share.document
        planned(document.request, {})
        objects = self._retries.call(self._objects, what="Looking for the input objects")
        share = self._share.of(objects)
        _logger.info("%d of %d objects are this pod's", len(share), len(objects))
        failures: list[FailedObject] = []
        outputs: list[InputObject] = []
        try:
            if share:
                self._transform(share, outputs=outputs, failures=failures)
        except UnhealthyError:
            reason = unhealthy(document.name, logs=_LOGS)
            return TransformMessage(transformed=len(outputs), failure_reason=reason, is_unhealthy=True)
        self._capture(outputs)
        _logger.info("%d objects have their outputs, %d have not", len(outputs), len(failures))
        inputs = places.fingerprint(objects)
        return TransformMessage(transformed=len(outputs), failures=tuple(failures), inputs=inputs)

    def _objects(self) -> list[InputObject]:
        """All the job's: the same for each pod, whenever it looks."""
        document = self._share.document
        found = places.input_objects(document.request, storage=self._share.storage, before=document.listed_before)
        source = document.request["TransformInput"]["DataSource"]["S3DataSource"]
        is_prefix = source["S3DataType"] == "S3Prefix"
        return places.without_outputs(document.request, found) if is_prefix else found

    def _transform(
        self,
        share: list[tuple[int, InputObject]],
        *,
        outputs: list[InputObject],
        failures: list[FailedObject],
    ) -> None:
        """Transform every object; one that fails does not keep the others from their outputs."""
        document = self._share.document
        _logger.info("Waiting for the model server")
        self._health.wait(document.startup_seconds)
        preferences = parameters.preferences(*self._server.ask(parameters.PATH))
        transformer = ObjectTransformer(
            document.request,
            planned(document.request, preferences),
            server=self._server,
            health=self._health,
            storage=self._share.storage,
            retries=self._retries,
            startup_seconds=document.startup_seconds,
        )
        for position, each in share:
            failure = transformer.transform(position, each)
            if failure is None:
                _logger.info("%s is transformed", each.location.uri)
                outputs.append(each)
            else:
                failures.append(failure)

    def _capture(self, outputs: list[InputObject]) -> None:
        request, storage = self._share.document.request, self._share.storage
        key = (request.get("DataCaptureConfig") or {}).get("KmsKeyId") or None
        found = places.captured(request, outputs, name=self._share.name, at=datetime.now(UTC))
        for location, content in found.items():
            put = functools.partial(storage.write, content, location, kms_key_id=key)
            self._retries.call(put, what=f"Writing {location.uri}")
