"""An image that serves: Python, NumPy and the example's server, and nothing of SageMaker's."""

from __future__ import annotations

import sys
from typing import Final

from node.code import ROOT
from node.images import Image
from node.layers import files
from node.training_image import training_image

IMAGE: Final = "localhost/digits-serve:1"
SERVER: Final = ROOT / "examples" / "cluster" / "serve.py"
COMMAND: Final = (sys.executable, str(SERVER))
"""What stands for the image on this machine."""


def serving_image() -> Image:
    """Return the image that the examples' manifests name."""
    base = training_image()
    layers = (*base.layers, files({"/usr/local/bin/serve": SERVER}))
    return Image(name=IMAGE, layers=layers, environment=base.environment)
