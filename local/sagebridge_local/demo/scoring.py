"""How well a model, or a file of predictions in S3, does on rows that no training job has seen."""

from __future__ import annotations

from dataclasses import dataclass
from operator import eq
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.runtime import source
from sagebridge.runtime.failures import RunFailedError

from sagebridge_local.demo.errors import DemoError

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MODEL_FILE: Final = "model.joblib"
_MODEL_LIMIT: Final = 100 * 2**20
_PIXEL_MAXIMUM: Final = 16.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How a model does.

    Attributes:
        correct: Rows whose label it finds.
        rows: All rows.
    """

    correct: int
    rows: int

    @property
    def accuracy(self) -> float:
        """The share of rows whose label it finds, from 0 to 1."""
        return self.correct / self.rows


def download(client: S3Client, *, uri: str, path: Path) -> int:
    """Copy an object of S3 to a file, and return its size in bytes.

    Raises:
        DemoError: The URI is not one of S3, or the object is larger than a model of this kind can be.
        botocore.exceptions.ClientError: S3 refused.
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not key:
        raise DemoError(f"{uri!r} is not the URI of an object in S3.")
    size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]
    if size > _MODEL_LIMIT:
        raise DemoError(f"{uri} has {size} bytes; the model of this demo is far smaller.")
    path.parent.mkdir(parents=True, exist_ok=True)
    client.download_file(bucket, key, str(path))
    return size


def unpack(archive: Path, directory: Path) -> Path:
    """Extract a model archive, nothing of it outside the folder, and return the model's file.

    Raises:
        DemoError: The archive is damaged, too large, leads out of the folder, or holds no model.
    """
    try:
        source.unpack(archive, directory, limit_bytes=_MODEL_LIMIT)
    except RunFailedError as error:
        raise DemoError(f"{archive.name} can't be unpacked. {error}") from error
    model = directory / MODEL_FILE
    if not model.is_file():
        found = ", ".join(sorted(path.name for path in directory.iterdir())) or "nothing"
        raise DemoError(f"{archive.name} holds no {MODEL_FILE}, but {found}.")
    return model


def read(model: Path, *, held_out: Path) -> list[int]:
    """Return the digit that a model reads in each row.

    Args:
        model: A joblib file of a scikit-learn classifier. Loading it runs code of its choosing: only for a model of
            one's own training.
        held_out: CSV without header: the label, then 64 pixel values from 0 to 16.

    Raises:
        DemoError: There are no rows.
    """
    import joblib  # type: ignore[import-untyped]
    import numpy as np

    rows = np.loadtxt(held_out, delimiter=",", ndmin=2)
    if rows.size == 0:
        raise DemoError(f"{held_out} holds no rows.")
    return [int(digit) for digit in joblib.load(model).predict(rows[:, 1:] / _PIXEL_MAXIMUM)]


def score(model: Path, *, held_out: Path) -> Score:
    """Let a model read rows, as :func:`read` does, and compare with their labels.

    Raises:
        DemoError: There are no rows.
    """
    digits, labels = read(model, held_out=held_out), _labels(held_out)
    return Score(correct=sum(map(eq, digits, labels)), rows=len(labels))


def predicted(output: Path) -> list[int]:
    """Return the digits in the output of the batch transform, whose rows are the label and the digit.

    Raises:
        DemoError: It holds anything else.
    """
    return [digit for _, digit in _pairs(output)]


def score_output(output: Path, *, held_out: Path) -> Score:
    """Compare the output of the batch transform with the labels of the rows it was given.

    Raises:
        DemoError: It is not about those rows, in their order, or there are none.
    """
    pairs = _pairs(output)
    labels = _labels(held_out)
    if [label for label, _ in pairs] != labels or not labels:
        raise DemoError(f"{output.name} has {len(pairs)} rows, and not those of the {len(labels)} held-out digits.")
    return Score(correct=sum(label == digit for label, digit in pairs), rows=len(pairs))


def _labels(held_out: Path) -> list[int]:
    return [int(line.partition(",")[0]) for line in held_out.read_text().splitlines()]


def _pairs(output: Path) -> list[tuple[int, int]]:
    try:
        rows = [tuple(int(field) for field in line.split(",")) for line in output.read_text().splitlines()]
        return [(label, digit) for label, digit in rows]
    except ValueError as error:
        raise DemoError(f"A row of {output.name} is not a label and a digit: {error}") from error
