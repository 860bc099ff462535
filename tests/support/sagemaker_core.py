"""The data of sagemaker-core, without its code: to import that takes seconds, and each worker imports every test."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path


def gpu_counts() -> dict[str, int]:
    """The number of GPUs that sagemaker-core knows of each instance type."""
    package = importlib.util.find_spec("sagemaker")
    assert package is not None
    [directory] = package.submodule_search_locations or []
    table = json.loads((Path(directory) / "core/image_uri_config/instance_gpu_info.json").read_text())
    return {name: info["Count"] for region in table.values() for name, info in region.items()}
