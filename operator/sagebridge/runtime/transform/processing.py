"""DataProcessing: what of the input the model gets, and what of input and prediction is kept: pure.

Rows of CSV are lists of texts; lines of JSON are any value; a JSON object that is not split is one record.
Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html (GenerateInferenceId)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sagebridge.runtime.transform.jsonpath import JsonPath, JsonPathError

OUTPUT_KEY: Final = "SageMakerOutput"
INPUT_KEY: Final = "SageMakerInput"
INFERENCE_ID_KEY: Final = "SageMakerInferenceId"
INFERENCE_TIME_KEY: Final = "SageMakerInferenceTime"

Stamp = Callable[[], tuple[str, str]]
"""Gives the inference id and time of the next record."""


class Format(StrEnum):
    """The formats that data processing knows."""

    CSV = "CSV"
    JSON = "JSON"
    JSON_LINES = "JSON Lines"


class ProcessingError(ValueError):
    """Data that can't be filtered or joined as the request says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataProcessing:
    """The request's DataProcessing, and whether outputs get an inference id.

    Attributes:
        input_filter: what of each record the model gets.
        output_filter: what of each joined record is kept.
        joins: whether JoinSource is Input.
        stamp: the ids and times for GenerateInferenceId; None without.
    """

    input_filter: JsonPath
    output_filter: JsonPath
    joins: bool
    stamp: Stamp | None = None

    @property
    def is_idle(self) -> bool:
        """Whether everything passes as it is, so that formats do not matter."""
        return self.input_filter.is_root and not self.handles_output

    @property
    def handles_output(self) -> bool:
        """Whether predictions have to be read."""
        return self.joins or self.stamp is not None or not self.output_filter.is_root


def format_of(content_type: str | None, *, split_into_lines: bool) -> Format:
    """The format of a content type.

    Raises:
        ProcessingError: one that data processing does not know.
    """
    essence = (content_type or "").partition(";")[0].strip().lower()
    if essence == "text/csv":
        return Format.CSV
    if essence in ("application/jsonlines", "application/x-jsonlines", "application/jsonlines+json"):
        return Format.JSON_LINES
    if essence == "application/json":
        return Format.JSON_LINES if split_into_lines else Format.JSON
    raise ProcessingError(
        f"DataProcessing takes text/csv, application/json and application/jsonlines, not {content_type or 'no type'}"
    )


def parse(body: bytes, data_format: Format) -> list[Any]:
    """The records in a payload or a reply.

    Raises:
        ProcessingError: it is not of that format.
    """
    try:
        text = body.decode()
        if data_format is Format.JSON:
            return [json.loads(text)]
        # As records are split: other ends of lines, such as U+2028, may stand in a text of JSON.
        lines = [line for each in text.split("\n") if (line := each.removesuffix("\r")).strip()]
        if data_format is Format.JSON_LINES:
            return [json.loads(line) for line in lines]
        return list(csv.reader(lines, strict=True))
    except (ValueError, csv.Error) as error:
        raise ProcessingError(f"the data is not {data_format}: {error}") from error


def write(records: Sequence[Any], data_format: Format) -> bytes:
    """Records as a payload or an output; lines have newlines between them.

    Raises:
        ProcessingError: they don't fit into the format, as an object into a row of CSV.
    """
    if data_format is Format.CSV:
        return "\n".join(_row(record) for record in records).encode()
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()


def filter_input(records: Sequence[Any], processing: DataProcessing) -> list[Any]:
    """What the model gets of each record.

    Raises:
        ProcessingError: a record has not what InputFilter selects.
    """
    return [_select(processing.input_filter, record, member="InputFilter") for record in records]


def finish(inputs: Sequence[Any], outputs: Sequence[Any], data_format: Format, processing: DataProcessing) -> list[Any]:
    """What is kept of each record: joined, filtered, and with its id.

    Args:
        inputs: the whole input records, before InputFilter.
        outputs: the predictions.
        data_format: of both.
        processing: what to do.

    Raises:
        ProcessingError: predictions are missing, or a joined record has not what OutputFilter selects.
    """
    if len(inputs) != len(outputs):
        raise ProcessingError(
            f"the model answered {len(outputs)} records to {len(inputs)}: they can't be told apart. One prediction "
            "has to be answered to each record, on a line of its own"
        )
    finished = []
    for record, prediction in zip(inputs, outputs, strict=True):
        joined = _join(record, prediction, data_format) if processing.joins else prediction
        kept = _select(processing.output_filter, joined, member="OutputFilter")
        finished.append(_stamped(kept, data_format, processing.stamp) if processing.stamp else kept)
    return finished


def _select(path: JsonPath, record: Any, *, member: str) -> Any:
    try:
        return path.select(record)
    except JsonPathError as error:
        raise ProcessingError(f"{member} {error}") from error


def _join(record: Any, prediction: Any, data_format: Format) -> Any:
    if data_format is Format.CSV:
        return [*record, *prediction]
    if isinstance(record, dict):
        return {**record, OUTPUT_KEY: prediction}
    return {INPUT_KEY: record, OUTPUT_KEY: prediction}


def _stamped(record: Any, data_format: Format, stamp: Stamp) -> Any:
    identifier, time = stamp()
    if data_format is Format.CSV:
        return [*(record if isinstance(record, list) else [record]), identifier, time]
    whole = record if isinstance(record, dict) else {OUTPUT_KEY: record}
    return {**whole, INFERENCE_ID_KEY: identifier, INFERENCE_TIME_KEY: time}


def _row(record: Any) -> str:
    cells = record if isinstance(record, list) else [record]
    if any(isinstance(cell, dict | list) for cell in cells):
        raise ProcessingError("an object or a list can't be a cell of CSV")
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(cells)
    return stream.getvalue()
