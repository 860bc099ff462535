"""Names of files that S3 can't have: keys are UTF-8, names of files are any bytes.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_REMEMBERED: Final = 1024

_logger = logging.getLogger(__name__)


def can_be_key(path: Path) -> bool:
    """Whether a file can be uploaded under its name; the log tells once of one that can't."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        _tell(path)
        return False
    return True


@functools.lru_cache(maxsize=_REMEMBERED)
def _tell(path: Path) -> None:
    _logger.warning("The file %s is not uploaded: its name is not UTF-8, as S3 needs it", ascii(str(path)))
