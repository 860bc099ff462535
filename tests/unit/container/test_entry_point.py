"""How an entry point is started, and where paths lead."""

import pytest
from sagebridge.core.container import entry_point
from sagebridge.core.container.entry_point import EntryPointKind, TorchRun
from sagebridge.core.container.layout import Layout


@pytest.mark.parametrize(
    ("reason", "program", "files", "want"),
    [
        ("a program", "train.py", ["train.py"], EntryPointKind.PROGRAM),
        ("beside a setup.py it is a package", "train.py", ["train.py", "setup.py"], EntryPointKind.PACKAGE),
        ("a shell script is one, whatever lies beside it", "train.sh", ["setup.py"], EntryPointKind.COMMAND),
        ("anything else is a command", "train", [], EntryPointKind.COMMAND),
    ],
)
def test_kind(reason: str, program: str, files: list[str], want: EntryPointKind) -> None:
    assert entry_point.entry_point_kind(program, files) is want, reason


@pytest.mark.parametrize(
    ("kind", "program", "want"),
    [
        (EntryPointKind.PROGRAM, "train.py", ["py", "train.py", "--a", "b c"]),
        (EntryPointKind.PACKAGE, "train.py", ["py", "-m", "train", "--a", "b c"]),
        (EntryPointKind.COMMAND, "train.sh", ["/bin/sh", "-c", "./train.sh --a 'b c'"]),
    ],
)
def test_command(kind: EntryPointKind, program: str, want: list[str]) -> None:
    assert entry_point.command(program, kind=kind, python="py", arguments=["--a", "b c"]) == want


@pytest.mark.parametrize(
    ("nodes", "want"),
    [
        (1, []),
        (2, ["--master_addr", "algo-1", "--master_port", "7777", "--node_rank", "1"]),
    ],
)
def test_torchrun(nodes: int, want: list[str]) -> None:
    run = TorchRun(nodes=nodes, processes_per_node=4, node_rank=1, master_address="algo-1")
    command = entry_point.torchrun_command("train.py", python="py", arguments=["--a", "1"], run=run)
    head = ["py", "-m", "torch.distributed.run", "--nnodes", str(nodes), "--nproc_per_node", "4"]
    assert command == [*head, *want, "train.py", "--a", "1"]


@pytest.mark.parametrize(
    ("value", "want"),
    [
        ("/opt/ml", "/x"),
        ("/opt/ml/model", "/x/model"),
        ("/opt/mlx", "/opt/mlx"),
        ("see /opt/ml/model", "see /opt/ml/model"),
        ('"/opt/ml/model"', '"/x/model"'),
        ('"unfinished', '"unfinished'),
        ('"other"', '"other"'),
        ("3", "3"),
    ],
)
def test_locate(value: str, want: str) -> None:
    assert Layout(base="/x").locate_hyperparameter(value) == want
