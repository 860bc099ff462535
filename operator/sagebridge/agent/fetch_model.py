"""The container before one that serves: the model, and the inference code, where SageMaker would have put them."""

from __future__ import annotations

import functools
import logging
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sagebridge.agent.document import parsed
from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.host import endpoint_url
from sagebridge.agent.message import Message
from sagebridge.agent.permissions import open_to_all
from sagebridge.agent.retries import Retries, is_disk_full
from sagebridge.agent.script import SOURCE_LIMIT_BYTES
from sagebridge.agent.termination import Termination
from sagebridge.core.cluster.serving.document import VERSION
from sagebridge.core.cluster.serving.model import MODEL_DIRECTORY
from sagebridge.core.container.failure import client_error
from sagebridge.runtime import models, source
from sagebridge.runtime.cancellation import CancelToken
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import Connection, Storage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.places import Places

_CODE: Final = "code"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelDocument:
    """model.json, as `sagebridge.core.cluster.serving.document` writes it.

    Attributes:
        region: of AWS.
        files: what to bring: ``uri``, ``directory`` below /opt/ml, ``prefix`` and ``archive``.
        code: the inference code's ``uri``, or the ``file`` beside the document; None without.
        fetch_seconds: how long what fails is tried again.
        volume_size: of the volume in GB; None for as much as the node has.
    """

    region: str
    files: tuple[Mapping[str, Any], ...]
    code: Mapping[str, str] | None
    fetch_seconds: float
    volume_size: int | None

    @classmethod
    def parse(cls, text: str) -> ModelDocument:
        """Read model.json.

        Raises:
            DocumentError: it is of another version, or no such document.
        """
        return parsed(text, cls._of, file="model.json", version=VERSION)

    @classmethod
    def _of(cls, content: Mapping[str, Any]) -> ModelDocument:
        return cls(
            region=content["region"],
            files=tuple(content["files"]),
            code=content["code"],
            fetch_seconds=content["fetchSeconds"],
            volume_size=content["volumeSizeInGB"],
        )


def fetch_model(environment: Mapping[str, str], places: Places, clock: Clock) -> Message | None:
    """Bring all that model.json names; the message of a failure, None when all is there. Blocks."""
    document: ModelDocument | None = None
    try:
        document = ModelDocument.parse(places.model.read_text(encoding="utf-8"))
        _Fetch(document, places=places, clock=clock, endpoint=endpoint_url(environment)).run()
    except Exception as error:  # noqa: BLE001 - whoever looks at the object must read it, whatever it is
        tell(error)
        return Message(failure_reason=_reason(error, document))
    _logger.info("All is ready for serving")
    return None


class _Fetch:
    def __init__(self, document: ModelDocument, *, places: Places, clock: Clock, endpoint: str | None) -> None:
        self._document = document
        self._ml = places.ml
        self._beside = places.model.parent
        self._endpoint = endpoint
        # S3 may be away for a while; what it refuses stays refused, and SIGTERM ends this container as it is.
        self._retries = Retries(
            clock=clock,
            termination=Termination(clock),
            seconds=document.fetch_seconds,
            grace_seconds=0,
            transient_only=True,
        )

    def run(self) -> None:
        for files in self._document.files:
            self._retries.call(functools.partial(self._bring, files), what=f"The download of {files['uri']}")
        model = self._ml / MODEL_DIRECTORY
        model.mkdir(parents=True, exist_ok=True)
        if self._document.code is not None:
            self._retries.call(functools.partial(self._bring_code, model / _CODE), what="The download of the code")
        for directory in {model, *(self._directory(files) for files in self._document.files)}:
            open_to_all(directory)

    def _bring(self, files: Mapping[str, Any]) -> None:
        directory = self._directory(files)
        # Whatever an earlier try has left there.
        shutil.rmtree(directory, ignore_errors=True)
        _logger.info("Downloading %s", files["uri"])
        try:
            models.bring(
                files["uri"],
                directory,
                storage=self._storage(),
                is_prefix=bool(files["prefix"]),
                is_archive=bool(files["archive"]),
            )
        except RunFailedError as error:
            if is_disk_full(_cause(error)):
                raise
            reason = _not_there(files["uri"], error.reason)
            raise RunFailedError(reason, is_transient=error.is_transient, is_final=error.is_final) from error

    def _directory(self, files: Mapping[str, Any]) -> Path:
        found = self._ml / str(files["directory"])
        if not found.resolve().is_relative_to(self._ml.resolve()) or found.resolve() == self._ml.resolve():
            raise RunFailedError.client(f"{files['directory']!r} is no directory below /opt/ml")
        return found

    def _bring_code(self, directory: Path) -> None:
        assert self._document.code is not None  # the caller has looked
        uri = self._document.code.get("uri")
        if uri is None:
            source.place(self._beside / self._document.code["file"], directory, limit_bytes=SOURCE_LIMIT_BYTES)
            return
        _logger.info("Downloading %s", uri)
        with tempfile.TemporaryDirectory(dir=self._ml, prefix=".code-") as scratch:
            fetched = source.fetch(uri, storage=self._storage(), scratch=Path(scratch))
            source.place(fetched, directory, limit_bytes=SOURCE_LIMIT_BYTES)

    def _storage(self) -> Storage:
        """S3, with the credentials that boto3 finds in the pod."""
        connection = Connection(region=self._document.region, endpoint_url=self._endpoint)
        return Storage(connection, token=CancelToken())


def _not_there(uri: str, reason: str) -> str:
    # https://github.com/aws-solutions-library-samples/fraud-detection-using-machine-learning/issues/9
    return client_error(
        f'Failed to download model data for container "primary" from URL: "{uri}". Please ensure that there is an '
        f"object located at the URL and that the pods' service account has permissions to download the object. {reason}"
    )


def _reason(error: Exception, document: ModelDocument | None) -> str:
    if not is_disk_full(_cause(error)):
        return failure_reason(error, doing="download", document=None)
    size = document.volume_size if document is not None else None
    room = f"volume of {size} GB: give it a larger volumeSizeInGB" if size else "node's disk: use nodes with more"
    return client_error(f"Model download failed: no space left on the {room}")


def _cause(error: Exception) -> Exception:
    found = error.__cause__
    return found if isinstance(found, Exception) else error
