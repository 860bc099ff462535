"""Script mode in an image that may lack SageMaker's training toolkit: the source, and what starts it."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sagebridge.agent import launcher
from sagebridge.agent.places import LAUNCH, LAUNCHER
from sagebridge.core.container import config, environment
from sagebridge.core.container import hyperparameters as hps
from sagebridge.core.container.entry_point import EntryPointKind
from sagebridge.core.container.frameworks import framework_module
from sagebridge.core.container.layout import Layout
from sagebridge.core.container.script import script_command, unknown_distribution
from sagebridge.runtime import source
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from sagebridge.agent.host import Host

PYTHON: Final = "python3"
SOURCE_LIMIT_BYTES: Final = 2 * 1024**3


def bring(host: Host) -> None:
    """Fetch the source into the code directory, and leave the launcher and what it shall do. Blocks.

    Raises:
        RunFailedError: there is no source, or it asks for what can't be done.
        OSError: the disk is full.
    """
    parameters = hps.read(config.hyperparameters(host.job, layout=host.layout))
    unknown = unknown_distribution(parameters)
    if unknown:
        raise RunFailedError.client(
            f"The distribution that {unknown} asks for can't be started on the cluster without SageMaker's training "
            f"toolkit: {hps.TORCH_DISTRIBUTED} can, and scripts that start their own processes"
        )
    kind = _fetch(host, parameters)
    run = host.places.run
    shutil.copyfile(launcher.__file__, run / LAUNCHER)
    (run / LAUNCH).write_text(json.dumps(launch(host, kind)), encoding="utf-8")


def launch(host: Host, kind: EntryPointKind) -> dict[str, Any]:
    """What the launcher shall do: launch.json."""
    layout = Layout()
    image = host.document.request.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    variables = environment.script_environment(
        host.job,
        host=host.name,
        layout=layout,
        machine=host.document.machine,
        framework_module=framework_module(image) or None,
    )
    command = script_command(
        host.job,
        host=host.name,
        layout=layout,
        machine=host.document.machine,
        kind=kind,
        python=PYTHON,
        master_address=host.document.hosts[0],
    )
    return {
        "environment": variables | environment.container_environment(host.job, layout=layout),
        "command": command,
        "directory": layout.code,
        "failure": layout.failure,
        "requirements": kind is not EntryPointKind.COMMAND and Path(host.layout.code, "requirements.txt").is_file(),
        "package": kind is EntryPointKind.PACKAGE,
    }


def _fetch(host: Host, parameters: hps.Hyperparameters) -> EntryPointKind:
    submit_directory = parameters.toolkit.get(hps.SUBMIT_DIRECTORY)
    if not isinstance(submit_directory, str) or hps.PROGRAM not in parameters.toolkit:
        raise RunFailedError.algorithm("There is no sagemaker_program, or no sagemaker_submit_directory, to start")
    code = Path(host.layout.code)
    # On the job's own volume, which is as large as the job asks for.
    with tempfile.TemporaryDirectory(dir=host.places.ml, prefix=".source-") as scratch:
        fetched = source.fetch(submit_directory, storage=host.storage, scratch=Path(scratch))
        source.place(fetched, code, limit_bytes=SOURCE_LIMIT_BYTES)
    return source.entry_point(code, str(parameters.toolkit[hps.PROGRAM]))
