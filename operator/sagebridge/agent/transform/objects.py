"""One pod's share of a transform job: from its input objects to their outputs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sagebridge.agent.transform.message import FailedObject
from sagebridge.agent.transform.parallel import in_parallel
from sagebridge.agent.transform.server import Answer
from sagebridge.runtime.transform import places
from sagebridge.runtime.transform.invocations import DEFAULT_CONTENT_TYPE, InvocationError
from sagebridge.runtime.transform.processing import ProcessingError
from sagebridge.runtime.transform.splitting import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sagebridge.agent.retries import Retries
    from sagebridge.agent.transform.health import Health
    from sagebridge.agent.transform.server import ModelServer
    from sagebridge.runtime.inputs import InputObject
    from sagebridge.runtime.s3 import Storage
    from sagebridge.runtime.transform.plan import Piece, TransformPlan

_logger = logging.getLogger(__name__)


class ObjectTransformer:
    """Transforms objects, one after the other."""

    def __init__(
        self,
        request: Mapping[str, Any],
        plan: TransformPlan,
        *,
        server: ModelServer,
        health: Health,
        storage: Storage,
        retries: Retries,
        startup_seconds: float,
    ) -> None:
        """Prepare.

        Args:
            request: CreateTransformJob.
            plan: The same, read.
            server: The model.
            health: Whether it is there.
            storage: S3.
            retries: How long S3 may be away.
            startup_seconds: How long the model server may take to start, also again.
        """
        self._request = request
        self._plan = plan
        self._server = server
        self._health = health
        self._storage = storage
        self._retries = retries
        self._startup_seconds = startup_seconds

    def transform(self, position: int, each: InputObject) -> FailedObject | None:
        """Transform one object; why it has no output, if it has none. Blocks.

        Raises:
            RunFailedError: S3 refused.
            UnhealthyError: the model server is gone.
        """
        where = f"{each.location.bucket}/{each.location.key}"
        try:
            self._transform(each)
        except InvocationError as error:
            _logger.info("[sagemaker logs]: %s: %s", where, error)
            _logger.info("[sagemaker logs]: %s: Message: %s", where, error.words)
            reason = f"{where}: {error} {error.words}".strip()
            return FailedObject(position=position, reason=reason, is_algorithms=error.is_algorithms)
        except (InputError, ProcessingError) as error:
            _logger.info("[sagemaker logs]: %s: %s", where, error)
            return FailedObject(position=position, reason=f"{where}: {error}", is_algorithms=False)
        return None

    def _transform(self, each: InputObject) -> None:
        body = self._retries.call(lambda: self._storage.read(each.location), what=f"Reading {each.location.uri}")
        pieces = self._plan.pieces(body)
        results = in_parallel(self._ask, pieces, threads=self._plan.concurrency)
        target = places.output_location(self._request, each)
        content = self._plan.assemble(results)
        key = self._request["TransformOutput"].get("KmsKeyId") or None
        self._retries.call(lambda: self._storage.write(content, target, kms_key_id=key), what=f"Writing {target.uri}")

    def _ask(self, piece: Piece) -> bytes:
        """What the model's answer adds to the output."""
        answer = self._answer(piece)
        return self._plan.conclude(piece, answer.body, content_type=answer.content_type)

    def _answer(self, piece: Piece) -> Answer:
        """Ask the model, again if it fails; what it refuses (4xx) it would refuse again."""
        plan = self._plan
        for _ in range(plan.retries + 1):
            answer = self._server.invoke(
                piece.body,
                content_type=plan.content_type or DEFAULT_CONTENT_TYPE,
                accept=plan.accept,
                timeout_seconds=plan.timeout_seconds,
            )
            if answer.succeeded:
                return answer
            if answer.is_refusal:
                break
            if answer.is_gone:
                self._health.wait_again(self._startup_seconds)
        raise InvocationError(status=answer.status, body=answer.body)
