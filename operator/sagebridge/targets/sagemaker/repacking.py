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
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any, Final, cast

from sagebridge.core.errors import OPERATOR_STORAGE, AwsError, ErrorClass, SpecError
from sagebridge.core.serving import Repack
from sagebridge.core.source import check_entry_point
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller
from sagebridge.targets.sagemaker.replies import to_aws_error
from sagebridge.targets.sagemaker.storage import MAY_BE_ABSENT
from sagebridge.targets.sagemaker.threads import to_the_end

CODE: Final = "code"
MOST_MODEL_BYTES: Final = 128 * 1024 * 1024
MOST_CODE_BYTES: Final = 32 * 1024 * 1024
MOST_UNPACKED_BYTES: Final = 2 * 1024 * 1024 * 1024
_INSTEAD: Final = (
    "Let the training script save the code into the model's directory under code/ (in SM_MODEL_DIR), and remove source."
)
_CHUNK_BYTES: Final = 1024 * 1024
_UNREADABLE: Final = (tarfile.TarError, OSError, EOFError, zlib.error)


class Repacker:
    """Packs one model at a time: several would not fit into the operator's memory and /tmp."""

    def __init__(self, *, caller: Caller) -> None:
        self._caller = caller
        self._turn = asyncio.Semaphore(1)

    async def repack(self, handle: Handle, repack: Repack, *, uri: str) -> None:
        """Put the archive where the model looks for it, unless it is there.

        Raises:
            SpecError: an archive is missing, too large, or none; or has not the entry point.
            AwsError: S3 refused, or broke off; or there is no room to pack.
        """
        if await _is_there(self._caller, handle, uri):
            return
        async with self._turn:
            model = await self._fetch(handle, repack.model_uri, most=MOST_MODEL_BYTES, field=repack.field)
            code = await self._fetch(handle, repack.code_uri, most=MOST_CODE_BYTES, field=f"{repack.field}.s3Uri")
            packed = await to_the_end(asyncio.to_thread(pack, repack, model=model, code=code))
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
        try:
            content: bytes = await to_the_end(asyncio.to_thread(reply["Body"].read))
        except Exception as error:  # noqa: BLE001 - nothing but AwsError leaves
            raise to_aws_error(error, operation="GetObject") from None
        return content


def pack(repack: Repack, *, model: bytes | None, code: bytes | None) -> bytes:
    """Make the archive. Blocks.

    Args:
        repack: what to make, with the files of a ConfigMap.
        model: the archive of the model; None for code alone.
        code: the archive of the code; None when the files are at hand.

    Raises:
        SpecError: an archive is none, too large, or has not the entry point.
        AwsError: there is no room to pack.
    """
    try:
        with tempfile.TemporaryFile() as stream:
            _write(cast("IO[bytes]", stream), repack, model=model, code=code)
            if stream.tell() > MOST_MODEL_BYTES:
                raise SpecError(repack.field, f"makes an archive of more than {MOST_MODEL_BYTES} bytes. {_INSTEAD}")
            stream.seek(0)
            return stream.read()
    except OSError as error:
        message = f"the operator can't pack the model's archive in {tempfile.gettempdir()}: {error.strerror or error}"
        raise AwsError(code=OPERATOR_STORAGE, message=message, operation="PutObject") from error


def _write(stream: IO[bytes], repack: Repack, *, model: bytes | None, code: bytes | None) -> None:
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=stream, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        if model is not None:
            _add_model(archive, model, repack)
        names = _add_code(archive, code, repack) if code is not None else _add_files(archive, repack.files)
        check_entry_point(repack.entry_point, names, field=f"{repack.field}.entryPoint")


def _add_model(archive: tarfile.TarFile, model: bytes, repack: Repack) -> None:
    files: set[str] = set()
    for member, content in _members(model, field=repack.field, what="the model"):
        name = _name(member.name)
        # What was code of the model's makes way for the manifest's.
        if name.partition("/")[0] == CODE:
            continue
        if member.islnk():
            _check_link(member, files, field=repack.field, what="the model")
        if member.isfile() or member.islnk():
            files.add(name)
        archive.addfile(member, content)


def _add_code(archive: tarfile.TarFile, code: bytes, repack: Repack) -> list[str]:
    field = f"{repack.field}.s3Uri"
    names: list[str] = []
    for member, content in _members(code, field=field, what="the source"):
        name = _name(member.name)
        # A member of its own: one that was read keeps its long name in its PAX headers, which go before `name`.
        moved = tarfile.TarInfo(f"{CODE}/{name}")
        if member.islnk():
            _check_link(member, names, field=field, what="the source")
            moved.type, moved.linkname = tarfile.LNKTYPE, f"{CODE}/{_name(member.linkname)}"
        elif not member.isfile():
            continue
        moved.size, moved.mode = member.size, member.mode
        names.append(name)
        archive.addfile(moved, content)
    return names


def _check_link(link: tarfile.TarInfo, files: Collection[str], *, field: str, what: str) -> None:
    """A hard link can only be kept beside the file that it shares its content with."""
    if _name(link.linkname) not in files:
        message = f"can't be packed: in {what}, {link.name} is a hard link to {link.linkname}, which is not packed."
        raise SpecError(field, f"{message} Make it a file of its own (tar --hard-dereference).")


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
        with (
            gzip.GzipFile(fileobj=io.BytesIO(body)) as stream,
            tarfile.open(fileobj=stream, mode="r|") as archive,
        ):
            for member in archive:
                size += member.size
                if size > MOST_UNPACKED_BYTES:
                    raise SpecError(field, f"can't be packed: {what} unpacks to over {MOST_UNPACKED_BYTES} bytes.")
                if member.isfile():
                    content = cast("IO[bytes]", archive.extractfile(member))
                    yield member, cast("IO[bytes]", _Content(content, field=field, what=what))
                elif member.isdir() or member.issym() or member.islnk():
                    yield member, None
            _read_to_the_end(stream)
    except _UNREADABLE as error:
        raise _unreadable(error, field=field, what=what) from error


def _read_to_the_end(stream: gzip.GzipFile) -> None:
    """What follows the archive, so that the checksum at the end of it all is looked at."""
    while stream.read(_CHUNK_BYTES):
        if stream.tell() > 2 * MOST_UNPACKED_BYTES:
            raise tarfile.ReadError("it does not end")


class _Content:
    """A member's bytes, which are read where they are written: what goes wrong here is the archive's fault."""

    def __init__(self, stream: IO[bytes], *, field: str, what: str) -> None:
        self._stream = stream
        self._field = field
        self._what = what

    def read(self, size: int = -1) -> bytes:
        """See `io.BufferedIOBase.read`."""
        try:
            return self._stream.read(size)
        except _UNREADABLE as error:
            raise _unreadable(error, field=self._field, what=self._what) from error


def _unreadable(error: Exception, *, field: str, what: str) -> SpecError:
    return SpecError(field, f"can't be packed: {what} is no readable .tar.gz ({error}).")


def _name(path: str) -> str:
    return path.removeprefix("./").strip("/")


async def _is_there(caller: Caller, handle: Handle, uri: str) -> bool:
    try:
        return await caller.object_exists(handle, uri=uri)
    except AwsError as error:
        if error.code in MAY_BE_ABSENT:
            return False
        raise
