"""A pipeline step's process, as a component's function makes it: what it wants is told, and its outcome kept.

Run as ``python step_program.py REQUEST``; the file has the members of `Wanted` as JSON, and beside it comes
`outcome.json`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def main(request: Path) -> int:
    """Run the step; the exit status."""
    from sagebridge_kfp.step.run import StepFailedError, Wanted, run

    try:
        outcome = run(Wanted(**json.loads(request.read_text())))
    except StepFailedError as error:
        print(f"StepFailedError: {error}")
        return 1
    told = {"name": outcome.name, "namespace": outcome.namespace, "body": outcome.body}
    (request.parent / "outcome.json").write_text(json.dumps(told))
    return 0


def forked(request: Path, log: Path, environment: Mapping[str, str]) -> None:
    """The same in a process that has imported everything already."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    status = main(request)
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
