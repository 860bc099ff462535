"""What a host leaves in S3 once its training has ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sagebridge.agent import notices
from sagebridge.agent.parts import Parts, Waiting
from sagebridge.runtime import artifacts
from sagebridge.runtime.artifacts import OutputPlace

if TYPE_CHECKING:
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.host import Host
    from sagebridge.agent.retries import Retries

_logger = logging.getLogger(__name__)


class Results:
    """The model and the output of one host."""

    def __init__(self, host: Host, *, retries: Retries, clock: Clock) -> None:
        """Prepare; nothing happens yet.

        Raises:
            RunFailedError: S3OutputPath is no s3:// URI.
        """
        self._host = host
        self._retries = retries
        self._clock = clock
        self._place = OutputPlace.of(host.document.request)
        self._directories = {"model": host.model, "output": host.output_data}
        self._signs = 0

    @property
    def is_part(self) -> bool:
        """Whether another host merges them with its own."""
        return self._host.rank > 0 and self._place.compressed

    @property
    def _merges(self) -> bool:
        return self._host.rank == 0 and self._place.compressed and len(self._host.document.hosts) > 1

    def check_writable(self) -> None:
        """See whether results can be written to S3: before they cost hours, not after.

        Raises:
            RunFailedError: S3 refused.
        """
        self._host.storage.check_writable(self._place.location.join(""), kms_key_id=self._place.kms_key_id)

    def forget_part(self) -> None:
        """Delete what this host has left of its part in an earlier run of its pod, which is of another training.

        Raises:
            RunFailedError: S3 refused.
        """
        if self.is_part:
            self._parts().remove_unfinished(self._host.name)

    def forget_parts(self) -> None:
        """Delete what the other hosts have delivered to this one, as far as that can be done."""
        if self._merges:
            self._parts().remove()

    def give_sign(self) -> None:
        """Tell the host that merges them that they will come.

        Raises:
            RunFailedError: S3 refused.
        """
        self._signs += 1
        self._parts().give_sign(self._host.name, self._signs)

    def upload(self) -> str | None:
        """Bring all of it to S3, and try for as long as may be. Blocks.

        Returns:
            Where the model is; None when there is none, or another host uploads it.

        Raises:
            RunFailedError: S3 refused to the last, or another host has not delivered its part.
            OSError: a file can't be read.
        """
        if self.is_part:
            self._retries.call(
                lambda: self._parts().deliver(self._host.name, self._directories), what="The upload of this host's part"
            )
            _logger.info("The part of this host is in S3")
            return None
        if self._merges:
            return self._merge()
        uris = [self._upload(name, directory) for name, directory in self._directories.items()]
        return uris[0] if self._host.rank == 0 else None

    def _upload(self, name: str, directory: Path) -> str | None:
        uri = self._retries.call(
            lambda: artifacts.upload(name, [directory], place=self._place, storage=self._host.storage),
            what=f"The upload of the {name}",
        )
        _logger.info("The %s is in %s", name, uri) if uri else _logger.info("There is no %s", name)
        return uri

    def _merge(self) -> str | None:
        others = self._host.document.hosts[1:]
        parts = self._retries.call(self._parts, what="Looking for the other hosts' parts")
        waiting = Waiting(others, parts, retries=self._retries, clock=self._clock)
        hosts = waiting.wait(is_in_vain=self._has_failed)
        uris = [self._merge_one(parts, name, directory, hosts) for name, directory in self._directories.items()]
        parts.remove()
        return uris[0]

    def _merge_one(self, parts: Parts, name: str, directory: Path, hosts: list[str]) -> str | None:
        uri = self._retries.call(lambda: parts.merge(name, directory, hosts), what=f"The upload of the {name}")
        _logger.info("The %s of all hosts is in %s", name, uri) if uri else _logger.info("No host has any %s", name)
        return uri

    def _has_failed(self) -> bool:
        return bool(self._host.failure()) or notices.has_failed(notices.read(self._host.places.annotations))

    def _parts(self) -> Parts:
        return Parts(place=self._place, storage=self._host.storage)
