"""What runs in the pod of a step whose component runs elsewhere."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sagebridge_kfp.remote.bringing import bring
from sagebridge_kfp.remote.call import call_digest, uri_of
from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.places import Prefix
from sagebridge_kfp.remote.results import archive_uri, put_back, unpack
from sagebridge_kfp.remote.room import GIGABYTE, Room
from sagebridge_kfp.remote.spec import KINDS, remote_spec
from sagebridge_kfp.remote.store import Store
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.identity import POD_NAME_VARIABLE, identify
from sagebridge_kfp.step.run import Outcome, StepFailedError, Wanted, run


def main(arguments: Sequence[str]) -> int:
    """Run a component's call as a job; the exit status of the step.

    A failure is told in its own words: the traceback that counts is the component's, which the message has.
    """
    try:
        attend(Command.of(arguments))
    except (StepFailedError, InputError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def attend(command: Command) -> None:
    """Bring the call to S3, wait for the job that makes it, and bring back what that has left.

    Raises:
        StepFailedError: the job failed, or the step may not read or write what it must.
    """
    settings, output_uri = command.settings, _output_uri(command.executor_input)
    identity = identify(os.environ, output_uri=output_uri, spec={"call": call_digest(command)})
    kind = KINDS[settings.job]
    prefix = Prefix.of(settings.staging, component=settings.component, step=identity.step(kind))
    store = Store.connect(settings.region)
    channels = bring(command, prefix=prefix, store=store)
    spec = remote_spec(settings, prefix=prefix, channels=channels)
    readable = settings.name or settings.component
    outcome = run(Wanted(kind=kind, spec=spec, readable=readable, output_uri=output_uri))
    _bring_back(command, outcome, store=store)


def _output_uri(executor_input: Mapping[str, Any]) -> str:
    """What tells the task from all others where its environment does not."""
    outputs = executor_input["outputs"]
    for entry in (outputs.get("artifacts") or {}).values():
        return str(entry["artifacts"][0]["uri"])
    file = str(outputs["outputFile"])
    uri = uri_of(Path(file))
    # In a pod of an older Kubeflow Pipelines that file has the same path in each run, and no URI.
    return "" if POD_NAME_VARIABLE in os.environ and uri == file else uri


def _bring_back(command: Command, outcome: Outcome, *, store: Store) -> None:
    uri = archive_uri(command.settings.job, outcome.status)
    try:
        with tempfile.TemporaryDirectory(prefix="sagebridge-") as directory:
            _take(command, uri, store=store, directory=Path(directory))
    except (OSError, ValueError) as error:
        raise StepFailedError(f"The job's results, which are in {uri}, can't be brought back: {error}") from error


def _take(command: Command, uri: str, *, store: Store, directory: Path) -> None:
    """Bring the results by way of a directory; each time they are written there is room for as much as may be."""
    archive, folder = directory / "archive", directory / "results"

    def room() -> Room:
        return Room(command.settings.max_results_gb * GIGABYTE, uri=uri)

    room().take(store.size(uri))
    store.download(uri, archive)
    unpack(archive, folder, room=room())
    archive.unlink()
    put_back(folder, command.executor_input, room=room())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
