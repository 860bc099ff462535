"""``sagebridge``, also ``kubectl sagebridge``: its commands, each imported only when it is called."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import sagebridge


@dataclass(frozen=True, kw_only=True, slots=True)
class LazyCommand:
    """A command in a module of its own.

    Attributes:
        module: The module whose ``app`` is the command.
        help: Shown while the module can't be imported.
        extra: The extra of the distribution that the module needs.
    """

    module: str
    help: str
    extra: str


COMMANDS = {
    "local": LazyCommand(
        module="sagebridge_local.cli", help="Kubernetes, SageMaker and the operator on this machine.", extra="local"
    ),
    "logs": LazyCommand(
        module="sagebridge.cli.logs", help="Print what a job or an endpoint printed.", extra="operator"
    ),
    "release-finalizers": LazyCommand(
        module="sagebridge.cli.release", help="Free every object before the operator goes for good.", extra="operator"
    ),
    "source": LazyCommand(module="sagebridge.cli.source", help="Pack and upload training code.", extra="operator"),
}


class LazyGroup(TyperGroup):
    """Commands that cost nothing until they are used, and that say what to install where they can't be."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *(name for name in COMMANDS if _exists(COMMANDS[name].module))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, importing its module now."""
        if cmd_name not in COMMANDS or not _exists(COMMANDS[cmd_name].module):
            return super().get_command(ctx, cmd_name)
        return _load(cmd_name, COMMANDS[cmd_name])


app = typer.Typer(
    name="sagebridge",
    help="Run machine learning on Kubernetes and Amazon SageMaker together.",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(sagebridge.__version__)
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Run machine learning on Kubernetes and Amazon SageMaker together."""


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(sagebridge.__version__)


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _load(name: str, command: LazyCommand) -> Any:
    try:
        found = importlib.import_module(command.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"sagebridge", "sagebridge_local"}:
            raise
        loaded = get_command(_missing(name, command, missing=error.name or "a package"))
    else:
        loaded = get_command(found.app)
    loaded.name = name
    return loaded


def _missing(name: str, command: LazyCommand, *, missing: str) -> typer.Typer:
    substitute = typer.Typer(help=command.help)

    @substitute.command(
        help=f"{command.help} (Not installed: {_how_to_install(command.extra)})",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def explain() -> None:
        typer.echo(f"'sagebridge {name}' needs {missing}: {_how_to_install(command.extra)}", err=True)
        raise typer.Exit(1)

    return substitute


def _how_to_install(extra: str) -> str:
    return f"pip install 'sagebridge[{extra}]', or, in a clone of the repository, pip install '.[{extra}]'"


if __name__ == "__main__":
    app()
