"""How much of a job's results a step takes: they lie on the disk of its node, which others use, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sagebridge_kfp.step.failure import StepFailedError

GIGABYTE: Final = 1 << 30

_BLOCK_BYTES: Final = 4096
"""What a disk needs for the smallest file, and for a directory or a link."""


class Room:
    """Room for results, as far as it is not taken.

    Args:
        most: how much there is, in bytes.
        uri: where all of the results are, for whom there is not enough.
    """

    def __init__(self, most: int, *, uri: str) -> None:
        self._most = most
        self._uri = uri
        self._left = most

    def take(self, size: int) -> None:
        """Take some, before it is written.

        Args:
            size: of one file, in bytes; 0 for what is none.

        Raises:
            StepFailedError: there is not enough left.
        """
        self._left -= max(size, _BLOCK_BYTES)
        if self._left < 0:
            raise StepFailedError(
                f"The job's results are more than the {self._most / GIGABYTE:g} GB that the step takes "
                f"(max_results_gb). They are in {self._uri}. What is so big is better written to S3 by the function, "
                "which gives on its URI."
            )

    def take_all(self, directory: str, names: Iterable[str]) -> tuple[str, ...]:
        """Take some for what is in a directory, as `ignore` of `shutil.copytree`, which follows links.

        Raises:
            StepFailedError: there is not enough left.
            OSError: a link leads nowhere.
        """
        for name in names:
            path = Path(directory, name)
            self.take(0 if path.is_dir() else path.stat().st_size)
        return ()
