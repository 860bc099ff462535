"""``sagebridge source``: bring training code to S3."""

from __future__ import annotations

import fnmatch
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any, Final, NoReturn

import boto3
import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
)
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from sagebridge.core.errors import SpecError
from sagebridge.core.source import ARCHIVE_NAME, SourceFile, check_entry_point, name_problem, write_archive

DEFAULT_EXCLUDES: Final = (
    ".git",
    ".hg",
    ".svn",
    ".venv",
    ".tox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".DS_Store",
    "__pycache__",
    "*.pyc",
)
MOST_BYTES: Final = 1024**3
IN_MEMORY_BYTES: Final = 32 * 1024**2

_S3_URI: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_MISSING: Final = frozenset({"404", "NoSuchKey", "NotFound"})
# HeadObject says 403 for a key that is missing too, if the caller may not list the bucket.
_UNSURE: Final = _MISSING | {"403", "AccessDenied", "Forbidden", "NoSuchBucket"}
_ADVICE: Final = {
    "NoSuchBucket": "there is no bucket {bucket}: create it, or correct the S3 URI",
    "AccessDenied": "access to s3://{bucket}/{key} is denied: these credentials need s3:PutObject there",
    "InvalidAccessKeyId": "AWS does not know these credentials: log in again",
    "ExpiredToken": "the credentials have expired: log in again",
    "SignatureDoesNotMatch": "AWS does not accept these credentials: log in again",
}
_ALIASES: Final = {"403": "AccessDenied", "Forbidden": "AccessDenied", "404": "NoSuchBucket"}

app = typer.Typer(name="source", help="Bring training code to S3.", no_args_is_help=True, add_completion=False)
_console = Console(stderr=True)


class PushError(Exception):
    """Something that the user can put right; the message says how."""


@app.callback()
def source() -> None:
    """Bring training code to S3."""


@app.command()
def push(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The directory with the code.")],
    s3_uri: Annotated[str, typer.Argument(metavar="S3URI", help="Where to put it: s3://bucket/prefix.")],
    *,
    entry_point: Annotated[
        str | None, typer.Option(help="Check that this script is in it, as spec.source.entryPoint will name it.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave out names or paths that match, such as 'data' or '*.csv'.")
    ] = None,
    kms_key_id: Annotated[str | None, typer.Option(help="Encrypt the archive with this KMS key.")] = None,
    region: Annotated[str | None, typer.Option(help="The bucket's region, if the AWS configuration has none.")] = None,
) -> None:
    """Pack DIR, upload it, and print the URI for spec.source.s3Uri.

    The same code gets the same URI and is not uploaded again.
    """
    try:
        bucket, prefix = parse_s3_uri(s3_uri)
        paths = find_files(directory, excludes=(*DEFAULT_EXCLUDES, *(exclude or ())))
        check_entry_point(entry_point, paths, field="--entry-point")
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as archive:
            digest = write_archive(archive, _read(paths))
            key = "/".join(part for part in (prefix, digest, ARCHIVE_NAME) if part)
            uploaded = upload(archive, bucket=bucket, key=key, region=region, kms_key_id=kms_key_id)
    except (PushError, SpecError, OSError) as error:
        _fail(str(error))
    done = "Uploaded" if uploaded else "Already there:"
    files = "1 file" if len(paths) == 1 else f"{len(paths)} files"
    _console.print(f"{done} {files}, for spec.source.s3Uri:", highlight=False)
    typer.echo(f"s3://{bucket}/{key}")


def _fail(message: str) -> NoReturn:
    _console.print(f"Error: {message}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/prefix/`` into the bucket and the prefix without slashes at its ends.

    Raises:
        PushError: it is none, or the prefix has empty parts or ``..``.
    """
    match = _S3_URI.fullmatch(uri)
    if match is None:
        raise PushError(f'"{uri}" is no S3 URI: it looks like s3://bucket/prefix')
    prefix = (match["prefix"] or "").removesuffix("/")
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise PushError(f'"{uri}" has an empty part, "." or ".." in its prefix: remove it')
    if prefix.endswith(".tar.gz"):
        raise PushError(f'"{uri}" names an archive: give the prefix to put it under, its name is made from the content')
    return match["bucket"], prefix


def find_files(directory: Path, *, excludes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files to pack by their name in the archive, sorted by name.

    Links to files inside the directory are packed as files; others are refused, since what they mean elsewhere is
    not what they mean here.

    Raises:
        PushError: no such directory, nothing in it, too much in it, or something that can't be packed.
    """
    if not directory.is_dir():
        raise PushError(f"{directory} is no directory: give the directory with the code")
    root = directory.resolve()
    files = dict(sorted(_walk(root, root, excludes)))
    if not files:
        raise PushError(f"{directory} has no files besides those that are left out")
    size = sum(path.stat().st_size for path in files.values())
    if size > MOST_BYTES:
        biggest = max(files, key=lambda name: files[name].stat().st_size)
        message = (
            f"{directory} has {size / 1024**2:.0f} MiB, and at most {MOST_BYTES // 1024**2} are packed; the biggest "
            f"file is {biggest}: leave data out with --exclude and give it as an input channel"
        )
        raise PushError(message)
    return files


def _walk(folder: Path, root: Path, excludes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    for path in folder.iterdir():
        name = path.relative_to(root).as_posix()
        if any(fnmatch.fnmatch(word, pattern) for pattern in excludes for word in (path.name, name)):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, root, excludes)
            continue
        problem = _link_problem(path, root) or name_problem(name)
        if problem:
            raise PushError(f"{name}: {problem}")
        yield name, path


def _link_problem(path: Path, root: Path) -> str | None:
    if path.is_symlink() and not path.resolve().is_relative_to(root):
        return f"is a link out of the directory, to {path.resolve()}: copy the file, or leave it out with --exclude"
    if path.is_dir():
        return "is a link to a directory: replace it by the directory, or leave it out with --exclude"
    if not path.exists():
        return "is a link to nothing: remove it, or leave it out with --exclude"
    if not path.is_file():
        return "is no plain file: leave it out with --exclude"
    return None


def _read(paths: dict[str, Path]) -> Iterator[SourceFile]:
    for name, path in paths.items():
        executable = bool(path.stat().st_mode & 0o100)
        yield SourceFile(name=name, body=path.read_bytes(), executable=executable)


def upload(archive: IO[bytes], *, bucket: str, key: str, region: str | None, kms_key_id: str | None) -> bool:
    """Upload an archive, unless its key is there: the key is made from the content.

    Returns:
        Whether it was uploaded.

    Raises:
        PushError: AWS can't be reached, does not know the caller, or refuses.
    """
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
    try:
        client = boto3.session.Session(region_name=region).client("s3")
        if _exists(client, bucket=bucket, key=key):
            return False
        size = archive.seek(0, 2)
        archive.seek(0)
        with _progress() as progress:
            task = progress.add_task(f"s3://{bucket}", total=size)
            client.upload_fileobj(archive, bucket, key, ExtraArgs=extra, Callback=_advance(progress, task))
    except ClientError as error:
        raise PushError(_explain(error, bucket=bucket, key=key)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        message = "no AWS credentials were found: set AWS_PROFILE, or log in with `aws sso login` or `aws configure`"
        raise PushError(message) from error
    except EndpointConnectionError as error:
        raise PushError(f"S3 can't be reached: {error}") from error
    except BotoCoreError as error:
        raise PushError(f"{error}") from error
    return True


def _exists(client: Any, *, bucket: str, key: str) -> bool:
    try:
        client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _UNSURE:
            return False
        raise
    return True


def _explain(error: ClientError, *, bucket: str, key: str) -> str:
    code = error.response["Error"]["Code"]
    advice = _ADVICE.get(_ALIASES.get(code, code))
    return (
        advice.format(bucket=bucket, key=key) if advice else f"S3 answers {code}: {error.response['Error']['Message']}"
    )


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=_console, transient=True)


def _advance(progress: Progress, task: Any) -> Callable[[int], None]:
    def advance(sent: int) -> None:
        progress.update(task, advance=sent)

    return advance
