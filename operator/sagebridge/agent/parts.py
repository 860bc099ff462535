"""One model from the hosts of a job: each but the first leaves its part in S3, where the first one finds them.

S3 is the only way between the pods. A job's name is new in each attempt, so that parts of two attempts can't meet.
Where pods run again in the same attempt (a Job that was suspended), each host deletes what it had of its own part
before it begins, and the first host deletes all of them when its pod is ended.
While a host has not delivered its part it gives a sign of life, for training may end much later there, and a large part
takes its time: the first host waits for as long as the signs come.
"""

from __future__ import annotations

import contextlib
import logging
import tarfile
from typing import TYPE_CHECKING, BinaryIO, Final

from sagebridge.core.container.failure import internal_server_error
from sagebridge.runtime import artifacts
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.retries import Retries
    from sagebridge.runtime.artifacts import OutputPlace
    from sagebridge.runtime.s3 import Storage

ALIVE: Final = "alive"
DONE: Final = "done"
_LOOK_SECONDS: Final = 5.0

_logger = logging.getLogger(__name__)


class Parts:
    """The parts of one job in S3: `<output>/.parts/<host>/{alive,model.tar.gz,output.tar.gz,done}`."""

    def __init__(self, *, place: OutputPlace, storage: Storage) -> None:
        self._place = place
        self._storage = storage
        self._prefix = place.location.join(".parts/")

    def give_sign(self, host: str, number: int) -> None:
        """Tell that a host is still at work.

        Raises:
            RunFailedError: S3 refused.
        """
        self._write(host, ALIVE, str(number).encode())

    def deliver(self, host: str, directories: Mapping[str, Path]) -> None:
        """Upload a host's part. Blocks.

        Args:
            host: The host.
            directories: Name of the archive (`model`, `output`) -> what goes into it.

        Raises:
            RunFailedError: S3 refused.
            OSError: a file can't be read.
        """
        for name, directory in directories.items():
            files = artifacts.merged([directory])
            if files:
                target = self._object(host, f"{name}.tar.gz")
                artifacts.upload_archive(files, target, storage=self._storage, kms_key_id=self._place.kms_key_id)
        self._write(host, DONE, b"")

    def state(self) -> dict[str, set[str]]:
        """Host -> the names of what it has left.

        Raises:
            RunFailedError: S3 refused.
        """
        found: dict[str, set[str]] = {}
        for key in self._storage.keys(self._prefix):
            host, _, name = key.removeprefix(self._prefix.key).partition("/")
            found.setdefault(host, set()).add(name)
        return found

    def sign(self, host: str) -> bytes:
        """A host's last sign of life.

        Raises:
            RunFailedError: S3 refused.
        """
        return self._storage.read(self._object(host, ALIVE))

    def merge(self, name: str, directory: Path, hosts: Sequence[str]) -> str | None:
        """Upload one archive of all hosts' files; of files with the same name, the first host's is taken. Blocks.

        Args:
            name: `model` or `output`.
            directory: The first host's files.
            hosts: The others that have delivered, by rank.

        Returns:
            The archive's URI; None when no host has left anything.

        Raises:
            RunFailedError: S3 refused, or a part is broken.
            OSError: a file can't be read.
        """
        files = artifacts.merged([directory])
        state = self.state()
        sources = [self._object(host, f"{name}.tar.gz") for host in hosts if f"{name}.tar.gz" in state.get(host, ())]
        if not files and not sources:
            return None

        def write(stream: BinaryIO) -> None:
            with artifacts.archive(stream) as tar:
                artifacts.pack(files, tar)
                seen = set(files)
                for source in sources:
                    self._copy(source, tar, seen)

        target = self._place.location.join(f"{name}.tar.gz")
        size_hint = artifacts.size(files) + sum(map(self._storage.size, sources))
        self._storage.upload_produced(write, target, size_hint=size_hint, kms_key_id=self._place.kms_key_id)
        return target.uri

    def remove_unfinished(self, host: str) -> None:
        """Delete what a host has left of a part, unless it has delivered that whole.

        Then a pod of it has succeeded, and the first host counts on the part. A busy Job controller may make another
        pod before it hears of that, and takes it away again: https://github.com/kubernetes/kubernetes/issues/130103

        Raises:
            RunFailedError: S3 refused.
        """
        keys = self._storage.keys(self._object(host, ""))
        for key in keys if self._object(host, DONE).key not in keys else ():
            self._storage.delete(S3Location(bucket=self._prefix.bucket, key=key))

    def remove(self) -> None:
        """Delete all parts. What can't be deleted stays, which harms nobody."""
        try:
            for key in self._storage.keys(self._prefix):
                self._storage.delete(S3Location(bucket=self._prefix.bucket, key=key))
        except RunFailedError as error:
            _logger.warning("The hosts' parts stay in %s: %s", self._prefix.uri, error.reason)

    def _copy(self, source: S3Location, tar: tarfile.TarFile, seen: set[str]) -> None:
        for member, content in _members(self._storage.open(source), source):
            if member.name not in seen:
                seen.add(member.name)
                tar.addfile(member, content)

    def _object(self, host: str, name: str) -> S3Location:
        return self._prefix.join(f"{host}/{name}")

    def _write(self, host: str, name: str, content: bytes) -> None:
        self._storage.write(content, self._object(host, name), kms_key_id=self._place.kms_key_id)


class Waiting:
    """The first host's wait for the others."""

    def __init__(self, hosts: Sequence[str], parts: Parts, *, retries: Retries, clock: Clock) -> None:
        self._hosts = hosts
        self._parts = parts
        self._retries = retries
        self._clock = clock
        self._signs = dict.fromkeys(hosts, b"")
        self._heard = dict.fromkeys(hosts, clock.monotonic())

    def wait(self, *, is_in_vain: Callable[[], bool]) -> list[str]:
        """Wait until all have delivered. Blocks.

        Args:
            is_in_vain: Whether it is known by now that the job has failed, so that nobody needs to wait.

        Returns:
            The hosts that have delivered.

        Raises:
            RunFailedError: one was silent for too long, or S3 refused.
        """
        while True:
            state = self._retries.call(self._parts.state, what="Looking for the other hosts' parts")
            missing = [host for host in self._hosts if DONE not in state.get(host, ())]
            if not missing or is_in_vain():
                return [host for host in self._hosts if host not in missing]
            for host in missing:
                self._hear(host, has_signed=ALIVE in state.get(host, ()))
            _logger.info("Waiting for the parts of %s", ", ".join(missing))
            self._clock.sleep(_LOOK_SECONDS)

    def _hear(self, host: str, *, has_signed: bool) -> None:
        if has_signed:
            sign = self._retries.call(lambda: self._parts.sign(host), what=f"Looking for a sign of {host}")
            if sign != self._signs[host]:
                self._signs[host], self._heard[host] = sign, self._clock.monotonic()
        if self._retries.left(self._heard[host]) <= 0:
            silence = self._clock.monotonic() - self._heard[host]
            raise _cut_short(host) if self._retries.is_cut_short else _silent(host, seconds=silence)


def _cut_short(host: str) -> RunFailedError:
    return RunFailedError(
        internal_server_error(
            f"Data upload failed: the pod was ended before the host {host} had delivered its part of the model"
        )
    )


def _silent(host: str, *, seconds: float) -> RunFailedError:
    return RunFailedError(
        internal_server_error(
            f"Data upload failed: the host {host} has not delivered its part of the model, "
            f"and has given no sign of life for {seconds:.0f} seconds"
        )
    )


def _members(stream: BinaryIO, source: S3Location) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    try:
        with contextlib.closing(stream), tarfile.open(fileobj=stream, mode="r|gz") as part:
            for member in part:
                yield member, part.extractfile(member) if member.isreg() else None  # type: ignore[misc]
    except (tarfile.TarError, EOFError) as error:
        raise RunFailedError.client(f"Data upload failed: {source.uri} is broken: {error}") from error
