"""Script mode: the command of one host, from the job's hyperparameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.core.container import config
from sagebridge.core.container import hyperparameters as hps
from sagebridge.core.container.entry_point import TorchRun, command, torchrun_command

if TYPE_CHECKING:
    from sagebridge.core.container.entry_point import EntryPointKind
    from sagebridge.core.container.job import ContainerJob, Machine
    from sagebridge.core.container.layout import Layout


def script_command(
    job: ContainerJob,
    *,
    host: str,
    layout: Layout,
    machine: Machine,
    kind: EntryPointKind,
    python: str,
    master_address: str,
) -> list[str]:
    """The command line of one host's script, to be run in the code directory.

    Args:
        job: The job.
        host: The host.
        layout: Where the host's /opt/ml is.
        machine: How many processes torchrun starts: one for each accelerator, at least one.
        kind: What the entry point is.
        python: The interpreter.
        master_address: Name or address of the first host.
    """
    parameters = hps.read(config.hyperparameters(job, layout=layout))
    program, arguments = str(parameters.toolkit[hps.PROGRAM]), hps.arguments(parameters.user)
    if hps.TORCH_DISTRIBUTED not in parameters.distributions:
        return command(program, kind=kind, python=python, arguments=arguments)
    run = TorchRun(
        nodes=len(job.cluster.hosts),
        processes_per_node=max(machine.gpus, machine.neurons, 1),
        node_rank=job.cluster.hosts.index(host),
        master_address=master_address,
    )
    return torchrun_command(program, python=python, arguments=arguments, run=run)


def unknown_distribution(parameters: hps.Hyperparameters) -> str | None:
    """A way of distributed training that is asked for, but not known here, by the name of its hyperparameter."""
    return next((name for name in parameters.distributions if name != hps.TORCH_DISTRIBUTED), None)
