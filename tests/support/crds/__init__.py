"""CustomResourceDefinitions that stand for those of other projects: the collections alone."""

from pathlib import Path
from typing import Final

STAND_INS: Final = Path(__file__).parent
