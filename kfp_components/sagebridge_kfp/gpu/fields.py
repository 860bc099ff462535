"""The fields of ``spec.cluster``, of which those that nobody reads are refused."""

from __future__ import annotations

from collections.abc import Sequence

from sagebridge.core.training.section import Section

from sagebridge_kfp.gpu.errors import OnGpuError


def only(section: Section, names: Sequence[str]) -> None:
    """Refuse fields that are none of these.

    Raises:
        OnGpuError: there is one.
    """
    unknown = next((name for name in section.values if name not in names), None)
    if unknown is not None:
        raise OnGpuError(argument(section, unknown), f"is not known: there are {', '.join(names)}")


def argument(section: Section, name: str) -> str:
    """Return where a field stands among the arguments of `on_gpu`."""
    return section.field(name).removeprefix("spec.cluster.")
