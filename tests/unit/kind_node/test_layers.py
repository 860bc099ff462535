"""Layers of images are made when their files are asked for, and once."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from node import layers
from node.layers import Layer, files
from node.operator_image import operator_image
from node.store import key_of


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_layer_is_made_once() -> None:
    made = []

    def put(root: Path, _: object) -> None:
        made.append(root)
        (root / "one").write_text("1")

    layer = Layer(name="counted", title="Counted", key=key_of(["1"]), put=put)
    again = Layer(name="counted", title="Counted", key=key_of(["1"]), put=put)

    assert made == []
    assert (layer.digest, layer.tar, layer.root) == (again.digest, again.tar, again.root)
    assert len(made) == 1


def test_what_a_layer_needs_is_made_before_it_and_not_meanwhile() -> None:
    made: list[str] = []

    def layer(name: str, *below: Layer) -> Layer:
        def put(root: Path, _: object) -> None:
            made.append(f"{name} begins")
            for each in below:
                assert each.root.is_dir()
            made.append(f"{name} ends")

        return Layer(name=name, title=name, key=key_of([name]), put=put, below=below)

    lowest = layer("lowest")
    layer("highest", lowest, layer("middle", lowest)).make()

    assert made == [f"{name} {what}" for name in ("lowest", "middle", "highest") for what in ("begins", "ends")]


def test_files_are_packed_with_their_modes() -> None:
    layer = files({"/bin/run": "#!/bin/sh\n", "/etc/plain": "plain"})

    with tarfile.open(layer.tar) as tar:
        modes = {member.name: oct(member.mode & 0o777) for member in tar if member.isfile()}
    assert modes == {"./bin/run": "0o755", "./etc/plain": "0o644"}
    assert layer.digest.startswith("sha256:")


@pytest.mark.parametrize(
    ("other", "same", "reason"),
    [
        ({"/one": b"1"}, True, "the same files"),
        ({"/one": "1"}, True, "text and bytes are alike"),
        ({"/one": b"2"}, False, "another content"),
        ({"/two": b"1"}, False, "another path"),
    ],
)
def test_layers_of_the_same_files_are_equal(other: dict[str, bytes | str | Path], same: bool, reason: str) -> None:
    assert (files({"/one": b"1"}) == files(other)) is same, reason


def test_the_operators_image_has_a_name_before_anything_is_made(cache: Path) -> None:
    image = operator_image()

    assert image.name == f"localhost/sagebridge:{image.layers[-1].key}"
    assert list(cache.iterdir()) == []


def test_a_command_that_fails_tells_what_it_wrote() -> None:
    with pytest.raises(RuntimeError, match="tar --no-such-option failed"):
        layers._run(["tar", "--no-such-option"])
