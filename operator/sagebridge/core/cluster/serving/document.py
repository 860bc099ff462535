"""model.json: what ``fetch-model`` has to bring, with the inference code beside it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sagebridge.core.cluster.serving.model import ModelFiles, ServedModel

FILE: Final = "model.json"
CODE_FILE: Final = "code.tar.gz"
VERSION: Final = 1


def document(model: ServedModel, *, region: str, fetch_seconds: int, volume_size: int | None = None) -> str:
    """The text of model.json.

    Args:
        model: what is served.
        region: of AWS.
        fetch_seconds: how long what fails on the way to S3 is tried again.
        volume_size: of the volume in GB, for messages; None for as much as the node has.
    """
    content = {
        "version": VERSION,
        "region": region,
        "files": [_files(each) for each in model.files],
        "code": _code(model),
        "fetchSeconds": fetch_seconds,
        "volumeSizeInGB": volume_size,
    }
    return json.dumps(content, sort_keys=True)


def binary_data(model: ServedModel) -> dict[str, str]:
    """The ``binaryData`` that goes with it into the ConfigMap."""
    archive = model.code.archive if model.code is not None else b""
    return {CODE_FILE: base64.b64encode(archive).decode()} if archive else {}


def _files(files: ModelFiles) -> dict[str, Any]:
    return {
        "uri": files.uri,
        "directory": files.directory,
        "prefix": files.is_prefix,
        "archive": files.is_archive,
    }


def _code(model: ServedModel) -> dict[str, str] | None:
    """Where the code is, and the digest by which the document of another code is another one."""
    if model.code is None:
        return None
    return {"uri": model.code.uri} if model.code.uri else {"file": CODE_FILE, "digest": model.code.digest}
