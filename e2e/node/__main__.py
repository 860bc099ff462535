"""``python -m node``: make now what a node needs and the caches lack, with the progress shown."""

from __future__ import annotations

import sys

from sagebridge_local.golang import BuildError

from node import machine
from node.packages import UnsupportedMachineError


def main() -> int:
    """Make it; return the exit status. A machine that can't run a node is no error here: the tests judge that."""
    try:
        for made in machine.choose().prepare():
            sys.stdout.write(f"{made}\n")
    except UnsupportedMachineError as error:
        sys.stdout.write(f"No node: {error}\n")
    except (BuildError, RuntimeError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
