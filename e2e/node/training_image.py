"""An image to train in: Python and NumPy, and nothing of SageMaker's."""

from __future__ import annotations

from pathlib import Path

from node import debian
from node.environments import environment
from node.images import Image

_LOCK = Path(__file__).with_name("training.lock")
_HOME = "/opt/training"


def training_image() -> Image:
    """Return the image that the example's manifest names."""
    base = debian.base()
    return Image(
        name="localhost/python-numpy:1",
        layers=(base, environment(_LOCK, at=_HOME, base=base)),
        environment={"PATH": f"{_HOME}/bin:{debian.PATH}"},
    )
