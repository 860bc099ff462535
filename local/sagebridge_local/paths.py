"""Where local mode keeps things: caches, state, and the files that come with the package."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_REPOSITORY = _PACKAGE.parent.parent


def cache_directory() -> Path:
    """Return the user's cache of Sagebridge; ``XDG_CACHE_HOME`` is honoured.

    Source: https://specifications.freedesktop.org/basedir-spec/latest/
    """
    return _base_directory("XDG_CACHE_HOME", ".cache") / "sagebridge"


def state_directory() -> Path:
    """Return the folder under which each named local stack keeps its state; ``XDG_STATE_HOME`` is honoured."""
    return _base_directory("XDG_STATE_HOME", ".local/state") / "sagebridge"


def module_directory(name: str) -> Path:
    """Return the folder of a Go module of ours, such as "controlplane", in a checkout or an installed package.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    return _shipped(f"_{name}", _REPOSITORY / "local" / name, "go.mod")


def crds_directory() -> Path:
    """Return the folder of the generated CustomResourceDefinitions.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    return _shipped("_crds", _REPOSITORY / "crds", ".")


def _shipped(packaged: str, checked_out: Path, proof: str) -> Path:
    for candidate in (_PACKAGE / packaged, checked_out):
        if (candidate / proof).exists():
            return candidate
    raise FileNotFoundError(f"{checked_out} is missing: install the package again")


def _base_directory(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else Path.home() / default
