"""One attempt at a processing job, as its manifests are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.core.cluster.job import AccompaniedWork
from sagebridge.core.cluster.names import ANNOTATION_OUTPUTS
from sagebridge.core.cluster.processing import outputs
from sagebridge.core.cluster.processing.request import OUTPUTS
from sagebridge.core.container.processing import local_paths


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingWork(AccompaniedWork):
    """An attempt at a processing job."""

    @property
    def resources(self) -> Mapping[str, Any]:
        """See `AccompaniedWork.resources`."""
        found: Mapping[str, Any] = self.request["ProcessingResources"]["ClusterConfig"]
        return found

    @property
    def annotations(self) -> dict[str, str]:
        """Where its outputs go, for whoever observes it."""
        return {ANNOTATION_OUTPUTS: outputs.written(self.cluster[OUTPUTS])}

    @property
    def places(self) -> tuple[str, ...]:
        """The places of its inputs and outputs, but for those inside of others."""
        paths = local_paths(self.request)
        return tuple(path for path in paths if not any(path.startswith(f"{other}/") for other in paths))
