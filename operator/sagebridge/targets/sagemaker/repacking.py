"""A model's archive with inference code under code/, made of the archive that training left.

The archive is read and written as a stream of members: nothing is ever unpacked to the file system, so no name in it
can lead anywhere.

Sources:
    https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html (model.tar.gz with code/)
    https://docs.aws.amazon.com/sagemaker/latest/dg/adapt-inference-container.html
"""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, cast

from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.serving import Repack
from sagebridge.core.source import check_entry_point
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller

CODE: Final = "code"
MOST_MODEL_BYTES: Final = 128 * 1024 * 1024
MOST_CODE_BYTES: Final = 32 * 1024 * 1024
MOST_UNPACKED_BYTES: Final = 2 * 1024 * 1024 * 1024
_INSTEAD: Final = (
    "Let the training script save the code into the model's directory under code/ (in SM_MODEL_DIR), and remove source."
)


class Repacker:
    """Packs one model at a time: several would not fit into the operator's memory and /tmp."""

    def __init__(self, *, caller: Caller) -> None:
        self._caller = caller
        self._turn = asyncio.Semaphore(1)

    async def repack(self, handle: Handle, repack: Repack, *, uri: str) -> None:
        """Put the archive where the model looks for it, unless it is there.

        Raises:
            SpecError: an archive is missing, too large, or none; or has not the entry point.
            AwsError: S3 refused.
        """
        if await _is_there(self._caller, handle, uri):
            return
        async with self._turn:
            model = await self._fetch(handle, repack.model_uri, most=MOST_MODEL_BYTES, field=repack.field)
            code = await self._fetch(handle, repack.code_uri, most=MOST_CODE_BYTES, field=f"{repack.field}.s3Uri")
            packed = await asyncio.to_thread(pack, repack, model=model, code=code)
            await self._caller.upload(handle, uri=uri, content=packed)

    async def _fetch(self, handle: Handle, uri: str | None, *, most: int, field: str) -> bytes | None:
        if uri is None:
            return None
        try:
            reply: Mapping[str, Any] = await self._caller.download(handle, uri=uri)
        except AwsError as error:
            if error.error_class is ErrorClass.NOT_FOUND or error.code in ("NoSuchKey", "NoSuchBucket"):
                raise SpecError(field, f"there is no {uri}.") from error
            raise
        length = int(reply.get("ContentLength") or 0)
        if length > most:
            reply["Body"].close()
            raise SpecError(field, f"{uri} has {length} bytes, and the operator packs at most {most}. {_INSTEAD}")
        content: bytes = await asyncio.to_thread(reply["Body"].read)
        return content


def pack(repack: Repack, *, model: bytes | None, code: bytes | None) -> bytes:
    """Make the archive. Blocks.

    Args:
        repack: what to make, with the files of a ConfigMap.
        model: the archive of the model; None for code alone.
        code: the archive of the code; None when the files are at hand.

    Raises:
        SpecError: an archive is none, too large, or has not the entry point.
    """
    with tempfile.TemporaryFile() as stream:
        _write(cast("IO[bytes]", stream), repack, model=model, code=code)
        if stream.tell() > MOST_MODEL_BYTES:
            raise SpecError(repack.field, f"makes an archive of more than {MOST_MODEL_BYTES} bytes. {_INSTEAD}")
        stream.seek(0)
        return stream.read()


def _write(stream: IO[bytes], repack: Repack, *, model: bytes | None, code: bytes | None) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        if model is not None:
            for member, content in _members(model, field=repack.field, what="the model"):
                # What was code of the model's makes way for the manifest's.
                if _name(member).partition("/")[0] != CODE:
                    archive.addfile(member, content)
        names = _add_archive(archive, code, repack) if code is not None else _add_files(archive, repack.files)
        check_entry_point(repack.entry_point, names, field=f"{repack.field}.entryPoint")


def _add_archive(archive: tarfile.TarFile, code: bytes, repack: Repack) -> list[str]:
    names = []
    for member, content in _members(code, field=f"{repack.field}.s3Uri", what="the source"):
        name = _name(member)
        if member.isfile():
            names.append(name)
            # A member of its own: one that was read keeps its long name in its PAX headers, which go before `name`.
            moved = tarfile.TarInfo(f"{CODE}/{name}")
            moved.size, moved.mode = member.size, member.mode
            archive.addfile(moved, content)
    return names


def _add_files(archive: tarfile.TarFile, files: Mapping[str, bytes]) -> list[str]:
    for name in sorted(files):
        member = tarfile.TarInfo(f"{CODE}/{name}")
        member.size = len(files[name])
        archive.addfile(member, io.BytesIO(files[name]))
    return list(files)


def _members(body: bytes, *, field: str, what: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """The files, directories and links of an archive, up to a limit of their bytes."""
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r|gz") as archive:
            for member in archive:
                size += member.size
                if size > MOST_UNPACKED_BYTES:
                    raise SpecError(field, f"can't be packed: {what} unpacks to over {MOST_UNPACKED_BYTES} bytes.")
                if member.isfile() or member.isdir() or member.issym():
                    yield member, archive.extractfile(member) if member.isfile() else None
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise SpecError(field, f"can't be packed: {what} is no readable .tar.gz ({error}).") from error


def _name(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./").strip("/")


async def _is_there(caller: Caller, handle: Handle, uri: str) -> bool:
    try:
        return await caller.object_exists(handle, uri=uri)
    except AwsError as error:
        # Without s3:ListBucket, S3 answers 403 instead of 404 for a key that isn't there.
        if error.code in ("403", "AccessDenied", "Forbidden"):
            return False
        raise
