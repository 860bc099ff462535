"""A CreateTransformJob request, read once: how objects become requests to the model, and replies become outputs. Pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelClientConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html (the container's variables)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.transform.batch import DEFAULT_MAX_PAYLOAD_MB, batch_variables
from sagebridge.runtime.transform import assembling, processing, splitting
from sagebridge.runtime.transform.jsonpath import JsonPathError, parse
from sagebridge.runtime.transform.processing import DataProcessing, Format, ProcessingError, Stamp
from sagebridge.runtime.transform.splitting import BYTES_PER_MB, BatchStrategy, SplitType

DEFAULT_TIMEOUT_SECONDS: Final = 600
DEFAULT_RETRIES: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One request to the model.

    Attributes:
        body: what is sent.
        inputs: the whole input records in it, where predictions are joined or counted.
    """

    body: bytes
    inputs: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformPlan:
    """How a job's objects are transformed.

    Attributes:
        split_type, strategy, compression: how objects become requests.
        max_payload_bytes: the longest request; 0 for no limit.
        concurrency: requests at the same time to one instance.
        content_type, accept: the MIME types of requests and replies, None where the job names none.
        with_lines: whether AssembleWith is Line.
        data_processing: filters and join.
        timeout_seconds, retries: of each request.
    """

    split_type: SplitType
    strategy: BatchStrategy
    compression: str
    max_payload_bytes: int
    concurrency: int
    content_type: str | None
    accept: str | None
    with_lines: bool
    data_processing: DataProcessing
    timeout_seconds: int
    retries: int

    @classmethod
    def of(cls, request: Mapping[str, Any], *, stamp: Stamp) -> TransformPlan:
        """Read a request, with the service's defaults.

        Args:
            request: of CreateTransformJob.
            stamp: gives inference ids and times, for a job that generates them.

        Raises:
            JsonPathError: a filter is none.
        """
        source, target = request["TransformInput"], request["TransformOutput"]
        client = request.get("ModelClientConfig", {})
        return cls(
            split_type=SplitType(source.get("SplitType", SplitType.NONE)),
            strategy=BatchStrategy(request.get("BatchStrategy", BatchStrategy.MULTI_RECORD)),
            compression=source.get("CompressionType", "None"),
            max_payload_bytes=request.get("MaxPayloadInMB", DEFAULT_MAX_PAYLOAD_MB) * BYTES_PER_MB,
            concurrency=request.get("MaxConcurrentTransforms") or 1,
            content_type=source.get("ContentType"),
            accept=target.get("Accept"),
            with_lines=target.get("AssembleWith", "None") == "Line",
            data_processing=_processing(request, stamp),
            timeout_seconds=client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS),
            retries=client.get("InvocationsMaxRetries", DEFAULT_RETRIES),
        )

    def pieces(self, body: bytes) -> list[Piece]:
        """The requests that an object becomes.

        Raises:
            InputError: the object is not what the request says.
            ProcessingError: it can't be filtered.
        """
        content = splitting.decompress(body, compression=self.compression)
        if self.data_processing.is_idle:
            return [Piece(body=payload) for payload in self._payloads(content)]
        return [self._filtered(payload) for payload in self._payloads(content)]

    def conclude(self, piece: Piece, reply: bytes, *, content_type: str | None) -> bytes:
        """What a reply adds to the output.

        Raises:
            ProcessingError: it can't be joined or filtered.
        """
        if not self.data_processing.handles_output:
            return reply
        answered = self._format(self.accept or content_type or self.content_type)
        if answered is not self._input_format:
            raise ProcessingError(
                f"the input is {self._input_format} and the model's answer {answered}: to join or filter them both "
                "must be the same; see ContentType and Accept"
            )
        outputs = processing.parse(reply, answered)
        kept = processing.finish(piece.inputs, outputs, answered, self.data_processing)
        end = b"\n" if answered is not Format.JSON else b""
        return processing.write(kept, answered) + end

    def assemble(self, results: Sequence[bytes]) -> bytes:
        """The output object."""
        return assembling.assemble(results, with_lines=self.with_lines)

    def variables(self) -> dict[str, str]:
        """The environment in which the container learns that it serves a batch transform."""
        return batch_variables(
            {
                "MaxPayloadInMB": self.max_payload_bytes // BYTES_PER_MB,
                "BatchStrategy": self.strategy,
                "MaxConcurrentTransforms": self.concurrency,
            }
        )

    @property
    def _input_format(self) -> Format:
        return self._format(self.content_type)

    def _format(self, content_type: str | None) -> Format:
        return processing.format_of(content_type, split_into_lines=self.split_type is SplitType.LINE)

    def _payloads(self, content: bytes) -> list[bytes]:
        batches = splitting.payloads(
            splitting.split(content, self.split_type),
            split_type=self.split_type,
            strategy=self.strategy,
            max_bytes=self.max_payload_bytes,
        )
        return [
            splitting.payload_body(records, split_type=self.split_type, strategy=self.strategy) for records in batches
        ]

    def _filtered(self, payload: bytes) -> Piece:
        records = processing.parse(payload, self._input_format)
        if self.data_processing.input_filter.is_root:
            return Piece(body=payload, inputs=records)
        shown = processing.filter_input(records, self.data_processing)
        return Piece(body=processing.write(shown, self._input_format), inputs=records)


def check(request: Mapping[str, Any]) -> None:
    """Refuse filters that are no JSONPath, before a job is accepted.

    Raises:
        JsonPathError: one is none.
    """
    _processing(request, lambda: ("", ""))


def _processing(request: Mapping[str, Any], stamp: Stamp) -> DataProcessing:
    given = request.get("DataProcessing", {})
    paths = {}
    for member in ("InputFilter", "OutputFilter"):
        try:
            paths[member] = parse(given.get(member, "$"))
        except JsonPathError as error:
            raise JsonPathError(f"{member}: {error}") from error
    generates = request.get("DataCaptureConfig", {}).get("GenerateInferenceId", False)
    return DataProcessing(
        input_filter=paths["InputFilter"],
        output_filter=paths["OutputFilter"],
        joins=given.get("JoinSource", "None") == "Input",
        stamp=stamp if generates else None,
    )
