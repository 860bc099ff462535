"""``sagebridge local``: Kubernetes, SageMaker and the operator on this machine."""

import json
import os
import shlex
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sagebridge_local.golang import BuildError
from sagebridge_local.golang import kubectl as kubectl_program
from sagebridge_local.paths import state_directory
from sagebridge_local.stack import ComponentStatus, LocalStack, Options, StackError
from sagebridge_local.stack.local import READY
from sagebridge_local.stack.simulator import Simulator

app = typer.Typer(
    help="Kubernetes, SageMaker and the operator on this machine.", no_args_is_help=True, add_completion=False
)

Name = Annotated[str, typer.Option("--name", help="Which stack; several can run side by side.")]
WorkDir = Annotated[
    Path | None,
    typer.Option("--work-dir", help="Where it keeps state, logs and work files.  [default: under XDG_STATE_HOME]"),
]
_POLL_SECONDS = 0.2


class Output(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"


@app.command()
def up(
    *,
    name: Name = "local",
    work_dir: WorkDir = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Use this existing cluster (kind, EKS) instead of starting one.")
    ] = None,
    operator: Annotated[bool, typer.Option(help="Run the operator.")] = True,
    simulator: Annotated[
        bool, typer.Option(help="Run the local SageMaker; without it the operator uses AWS as this shell does.")
    ] = True,
    lifecycle_only: Annotated[
        bool, typer.Option("--lifecycle-only", help="Jobs follow scripted outcomes; nothing is trained.")
    ] = False,
    image_map: Annotated[
        list[str] | None, typer.Option(metavar="IMAGE=COMMAND", help="What to run locally for a container image.")
    ] = None,
) -> None:
    """Start what does not run yet, and wait until it is ready."""
    options = Options(
        kubeconfig=kubeconfig,
        operator=operator,
        simulator=simulator,
        lifecycle_only=lifecycle_only,
        images=dict(_image(text) for text in image_map or []),
    )
    with _errors_explained():
        stack = _stack(name, work_dir)
        started = time.monotonic()
        with _loss_told(stack), Console(stderr=True).status("Starting"):
            stack.up(options)
        _print_table(stack.status())
        typer.echo(f"Ready after {time.monotonic() - started:.1f} s. For your shell:\n", err=True)
        typer.echo(f'  eval "$(sagebridge local env{_selection(name, work_dir)})"', err=True)


@app.command()
def env(*, name: Name = "local", work_dir: WorkDir = None) -> None:
    """Print the exports for a shell: eval "$(sagebridge local env)"."""
    with _errors_explained():
        typer.echo(_stack(name, work_dir).exports())


@app.command()
def status(
    *,
    name: Name = "local",
    work_dir: WorkDir = None,
    output: Annotated[Output, typer.Option("--output", "-o", help="How to print it.")] = Output.TABLE,
) -> None:
    """Show what runs; exits with 1 unless all of it is ready."""
    with _errors_explained():
        components = _stack(name, work_dir).status()
    if output is Output.JSON:
        typer.echo(json.dumps([asdict(component) for component in components], default=datetime.isoformat, indent=2))
    elif components:
        _print_table(components)
    else:
        typer.echo("This stack is not up.", err=True)
    if not components or any(component.state != READY for component in components):
        raise typer.Exit(1)


@app.command()
def logs(
    component: Annotated[str, typer.Argument(help="As 'status' names it, such as operator.")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 200,
    name: Name = "local",
    work_dir: WorkDir = None,
) -> None:
    """Print the end of a component's log."""
    with _errors_explained():
        path = _stack(name, work_dir).log(component)
        with path.open(encoding="utf-8", errors="replace") as file:
            sys.stdout.writelines(deque(file, maxlen=lines))
            while follow:
                sys.stdout.write(file.read())
                sys.stdout.flush()
                time.sleep(_POLL_SECONDS)


@app.command()
def down(*, name: Name = "local", work_dir: WorkDir = None) -> None:
    """End every process of the stack; an existing cluster that it used is left alone."""
    with _errors_explained():
        stack = _stack(name, work_dir)
        stopped = stack.down()
    typer.echo(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.", err=True)
    typer.echo(f"Logs and work files are in {stack.directory}", err=True)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)
def kubectl(context: typer.Context, *, name: Name = "local", work_dir: WorkDir = None) -> None:
    """Run kubectl against the stack: sagebridge local kubectl get trainingjobs."""
    with _errors_explained():
        variables = _stack(name, work_dir).environment()
        program = kubectl_program()
    path = os.pathsep.join([variables.pop("PATH"), os.environ.get("PATH", os.defpath)])
    os.execve(program, ["kubectl", *context.args], {**os.environ, **variables, "PATH": path})  # noqa: S606


def _stack(name: str, work_dir: Path | None) -> LocalStack:
    if not name.replace("-", "").isalnum():
        raise StackError(f"{name!r} is no name for a stack: letters, digits and hyphens only.")
    return LocalStack(work_dir or state_directory() / name, name=name)


def _selection(name: str, work_dir: Path | None) -> str:
    words = ["--name", name] if name != "local" else []
    words += ["--work-dir", str(work_dir)] if work_dir else []
    return "".join(f" {shlex.quote(word)}" for word in words)


def _image(text: str) -> tuple[str, tuple[str, ...]]:
    image, separator, command = text.partition("=")
    if not (image and separator and command.strip()):
        raise typer.BadParameter(f"{text!r} is not IMAGE=COMMAND", param_hint="--image-map")
    return image, tuple(shlex.split(command))


def _print_table(components: list[ComponentStatus]) -> None:
    table = Table("COMPONENT", "STATE", "PID", "ADDRESS", "SINCE", box=None, pad_edge=False)
    for component in components:
        pid = str(component.pid or "")
        table.add_row(component.component, component.state, pid, component.address, _age(component.since))
    Console(soft_wrap=True).print(table)


@contextmanager
def _loss_told(stack: LocalStack) -> Iterator[None]:
    """Say so where the local SageMaker is another process afterwards, or none: it keeps everything in memory."""
    before = stack.records().get(Simulator.NAME)
    try:
        yield
    finally:
        now = stack.records().get(Simulator.NAME)
        if before and before != now:
            what, remedy = ("restarted", " Write data that jobs need to S3 again.") if now else ("ended", "")
            typer.echo(
                f"The local SageMaker was {what}: its S3 buckets, jobs and endpoints are gone.{remedy}", err=True
            )


def _age(since: datetime | None) -> str:
    if since is None:
        return ""
    seconds = int((datetime.now(UTC) - since).total_seconds())
    minutes, hours = seconds // 60, seconds // 3600
    return f"{hours}h{minutes % 60}m" if hours else f"{minutes}m{seconds % 60}s" if minutes else f"{seconds}s"


@contextmanager
def _errors_explained() -> Iterator[None]:
    try:
        yield
    except (StackError, BuildError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
