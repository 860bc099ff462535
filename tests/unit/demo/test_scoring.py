"""Real models on real digits: a good one passes, a bad one does not, and no archive leads astray."""

from __future__ import annotations

import functools
import io
import tarfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from sagebridge_local.demo import scoring, verdicts
from sagebridge_local.demo.errors import DemoError

TRAINED, HELD_OUT = slice(0, 1200), slice(1200, 1500)


@functools.cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Pixels and labels. To import scikit-learn takes seconds, and each worker collects this file."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def held_out(path: Path, rows: slice = HELD_OUT) -> Path:
    np.savetxt(path, np.column_stack([digits()[1][rows], digits()[0][rows]]), fmt="%d", delimiter=",")
    return path


def archive(path: Path, *, labels: np.ndarray, name: str = "model.joblib") -> Path:
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(3).fit(digits()[0][TRAINED] / 16.0, labels)
    content = io.BytesIO()
    joblib.dump(model, content)
    return packed(path, {name: content.getvalue()})


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_a_good_model_passes(tmp_path: Path) -> None:
    model = scoring.unpack(archive(tmp_path / "model.tar.gz", labels=digits()[1][TRAINED]), tmp_path / "model")
    score = scoring.score(model, held_out=held_out(tmp_path / "held-out.csv"))
    assert score.rows == 300
    verdicts.check_accuracy(score)


def test_a_model_of_wrong_labels_is_refused(tmp_path: Path) -> None:
    wrong = np.random.default_rng(0).permutation(digits()[1][TRAINED])
    model = scoring.unpack(archive(tmp_path / "model.tar.gz", labels=wrong), tmp_path / "model")
    score = scoring.score(model, held_out=held_out(tmp_path / "held-out.csv"))
    assert score.accuracy < 0.5
    with pytest.raises(DemoError, match=r"at least 0\.95 was wanted"):
        verdicts.check_accuracy(score)


def test_no_rows_are_no_proof(tmp_path: Path) -> None:
    model = scoring.unpack(archive(tmp_path / "model.tar.gz", labels=digits()[1][TRAINED]), tmp_path / "model")
    with pytest.raises(DemoError, match="holds no rows"), pytest.warns(UserWarning, match="no data"):
        scoring.score(model, held_out=held_out(tmp_path / "held-out.csv", slice(0, 0)))


@pytest.mark.parametrize(
    ("files", "want", "reason"),
    [
        ({"../outside": b"x"}, "leads out of its directory", "a member beside the folder"),
        ({"/tmp/outside": b"x"}, "leads out of its directory", "an absolute path"),
        ({"other.txt": b"x"}, "holds no model.joblib, but other.txt", "another archive"),
        ({}, "holds no model.joblib, but nothing", "an empty archive"),
    ],
)
def test_archives_refused(files: dict[str, bytes], want: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=want):
        scoring.unpack(packed(tmp_path / "model.tar.gz", files), tmp_path / "model")
    assert not (tmp_path / "outside").exists(), reason


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "model.tar.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(DemoError, match="can't be unpacked"):
        scoring.unpack(broken, tmp_path / "model")


def output(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_output_of_a_transform_is_scored_row_by_row(tmp_path: Path) -> None:
    rows = output(tmp_path / "held-out.csv", "8,0,1\n6,2,3\n8,4,5\n")
    found = output(tmp_path / "predictions.csv", "8,8\n6,5\n8,8\n")
    score = scoring.score_output(found, held_out=rows)
    assert (score.correct, score.rows) == (2, 3)
    assert scoring.predicted(found) == [8, 5, 8]


@pytest.mark.parametrize(
    ("text", "want", "reason"),
    [
        ("8,8\n6,6\n", "has 2 rows, and not those of the 3", "a row is missing"),
        ("6,6\n8,8\n8,8\n", "has 3 rows, and not those", "another order: the predictions are not those of these rows"),
        ("", "has 0 rows", "an empty file"),
        ("8\n6\n8\n", "not a label and a digit", "no prediction"),
        ("8,8\n6,six\n8,8\n", "not a label and a digit", "something else"),
    ],
)
def test_outputs_refused(text: str, want: str, reason: str, tmp_path: Path) -> None:
    rows = output(tmp_path / "held-out.csv", "8,0,1\n6,2,3\n8,4,5\n")
    with pytest.raises(DemoError, match=want):
        scoring.score_output(output(tmp_path / "predictions.csv", text), held_out=rows)


def test_nothing_held_out_is_no_proof(tmp_path: Path) -> None:
    empty = output(tmp_path / "empty.csv", "")
    with pytest.raises(DemoError, match="not those of the 0 held-out digits"):
        scoring.score_output(empty, held_out=empty)
