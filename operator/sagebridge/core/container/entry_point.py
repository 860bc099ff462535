"""How script mode starts the user's entry point.

Source: `_entry_point_type`, `process` and `torch_distributed` of
https://github.com/aws/sagemaker-training-toolkit/tree/master/src/sagemaker_training
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

TORCH_MASTER_PORT: Final = 7777


class EntryPointKind(StrEnum):
    """What an entry point is."""

    PACKAGE = "package"
    PROGRAM = "program"
    COMMAND = "command"


@dataclass(frozen=True, kw_only=True, slots=True)
class TorchRun:
    """How one host takes part in a torchrun.

    Attributes:
        nodes: Hosts that take part.
        processes_per_node: One for each accelerator, at least one.
        node_rank: This host's place, from 0.
        master_address: Name or address of the host with rank 0.
    """

    nodes: int
    processes_per_node: int
    node_rank: int
    master_address: str


def entry_point_kind(program: str, files: Collection[str]) -> EntryPointKind:
    """What the entry point is, by its name and the names of the files beside it."""
    if program.endswith(".sh"):
        return EntryPointKind.COMMAND
    if "setup.py" in files:
        return EntryPointKind.PACKAGE
    return EntryPointKind.PROGRAM if program.endswith(".py") else EntryPointKind.COMMAND


def command(program: str, *, kind: EntryPointKind, python: str, arguments: Sequence[str]) -> list[str]:
    """The command line of one host's script, to be run in the code directory."""
    match kind:
        case EntryPointKind.PACKAGE:
            return [python, "-m", program.removesuffix(".py"), *arguments]
        case EntryPointKind.PROGRAM:
            return [python, program, *arguments]
        case EntryPointKind.COMMAND:
            return ["/bin/sh", "-c", " ".join([f"./{shlex.quote(program)}", *map(shlex.quote, arguments)])]


def torchrun_command(program: str, *, python: str, arguments: Sequence[str], run: TorchRun) -> list[str]:
    """As `command`, started by torchrun; only a Python program can be."""
    words = [python, "-m", "torch.distributed.run", "--nnodes", str(run.nodes)]
    words += ["--nproc_per_node", str(run.processes_per_node)]
    if run.nodes > 1:
        words += ["--master_addr", run.master_address, "--master_port", str(TORCH_MASTER_PORT)]
        words += ["--node_rank", str(run.node_rank)]
    return [*words, program, *arguments]
