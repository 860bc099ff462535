"""Components as users write them; kfp reads their types, which therefore are no texts."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Metrics, Model, Output

from node.steps_image import steps_image

OWN = {"base_image": steps_image().name, "install_kfp_package": False}


@dsl.component(**OWN)
def learn(data: Output[Dataset], model: Output[Model], metrics: Output[Metrics], most: int = 3) -> float:
    """Looks at what it has been given of the node."""
    import os
    from pathlib import Path

    Path(data.path).write_text("1 2 3")
    numbers = [int(each) for each in Path(data.path).read_text().split()]
    Path(model.path).write_text(f"{sum(numbers) / most}")
    model.metadata["framework"] = "none"
    metrics.log_metric("shared_memory", os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize)
    return float(Path(model.path).read_text())


@dsl.component(**OWN)
def prepare(data: Output[Dataset]):
    """Points of a line."""
    from pathlib import Path

    Path(data.path).write_text("".join(f"{x},{2 * x + 1}\n" for x in range(20)))


@dsl.component(base_image="python:3.11")
def fit(data: Input[Dataset], model: Output[Model], metrics: Output[Metrics], degree: int = 1) -> list:
    """The line through points, by what only the job's image has."""
    import json
    import socket
    from pathlib import Path

    import numpy as np

    x, y = np.loadtxt(data.path, delimiter=",").T
    found = np.polyfit(x, y, degree)
    Path(model.path).write_text(json.dumps(found.tolist()))
    model.metadata["host"] = socket.gethostname()
    metrics.log_metric("error", float(np.abs(np.polyval(found, x) - y).max()))
    return found.tolist()


@dsl.component(**OWN)
def read(model: Input[Model], found: list) -> str:
    """What a model says, and where it was fitted."""
    import json
    from pathlib import Path

    assert json.loads(Path(model.path).read_text()) == found
    return model.metadata["host"]
