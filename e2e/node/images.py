"""Container images without a registry: layers and a configuration, packed as containerd imports them.

Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from node.layers import Layer

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_OCI = "application/vnd.oci.image"
_MANIFEST, _CONFIG, _LAYER = f"{_OCI}.manifest.v1+json", f"{_OCI}.config.v1+json", f"{_OCI}.layer.v1.tar"
_NAME = "io.containerd.image.name"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A container image.

    Attributes:
        name: As pods name it, "localhost/digits:1"; a tag other than latest, so that the kubelet asks no registry.
        layers: The lowest first.
        entrypoint: What a container runs.
        command: Arguments, unless the pod has its own.
        environment: Variables.
        user: "UID:GID", or root.
        working_directory: Where it starts.
        dockerfile: What docker makes it by, in this repository; by default, what its layers say.
    """

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    working_directory: str = ""
    dockerfile: Path | None = None

    def configuration(self) -> bytes:
        """Return the image's configuration, JSON."""
        config = {
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in self.environment.items()],
            "User": self.user,
            "WorkingDir": self.working_directory,
        }
        return _json(
            {
                "architecture": _MACHINES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "config": {name: value for name, value in config.items() if value},
                "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in self.layers]},
            }
        )

    def manifest(self) -> bytes:
        """Return the image's manifest, JSON: it names the configuration and the layers."""
        layers = [
            {"mediaType": _LAYER, "digest": layer.digest, "size": layer.tar.stat().st_size} for layer in self.layers
        ]
        config = _descriptor(_CONFIG, self.configuration())
        return _json({"schemaVersion": 2, "mediaType": _MANIFEST, "config": config, "layers": layers})


def write_archive(images: Sequence[Image], to: IO[bytes], *, present: Collection[str] = ()) -> None:
    """Write images as one archive, each layer once.

    Args:
        images: The images.
        to: Where; need not be seekable.
        present: Digests of layers to leave out, since whoever reads the archive has them.
    """
    layers = {layer.digest: layer for image in images for layer in image.layers if layer.digest not in present}
    with tarfile.open(fileobj=to, mode="w|") as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _json({"schemaVersion": 2, "manifests": [_named(image) for image in images]}))
        for blob in {content for image in images for content in (image.configuration(), image.manifest())}:
            _add(archive, _path(_digest(blob)), blob)
        for digest, layer in layers.items():
            entry = tarfile.TarInfo(_path(digest))
            entry.size = layer.tar.stat().st_size
            with layer.tar.open("rb") as content:
                archive.addfile(entry, content)


def _named(image: Image) -> dict[str, Any]:
    return {**_descriptor(_MANIFEST, image.manifest()), "annotations": {_NAME: image.name}}


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
