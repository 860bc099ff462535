"""The environment of a pod's containers, and how their words are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.document import NETWORK_INTERFACE
from sagebridge.core.cluster.names import COMPLETION_INDEX
from sagebridge.core.container.entry_point import TORCH_MASTER_PORT
from sagebridge.core.container.environment import container_environment
from sagebridge.core.container.job import container_job
from sagebridge.core.container.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sagebridge.core.cluster.job import ClusterJob, ClusterWork

INDEX: Final = "JOB_COMPLETION_INDEX"
"""The pod's rank; the Job controller's own name for it."""

_RANK: Final = f"$({INDEX})"
# Old kubelets spoil what follows a dollar sign and is not of ASCII.
_REPLACED: Final = re.compile(r"\$(?=[$(]|[^\x00-\x7f])")


def agent_environment(job: ClusterWork) -> list[dict[str, Any]]:
    """Of the agent, before and beside the user's container."""
    return [_index(), *listed({**job.settings.environment, **region_variables(job.region)})]


def train_environment(job: ClusterJob) -> list[dict[str, Any]]:
    """Of the training container: SageMaker's, and what starts distributed training without a launcher of its own.

    torchrun takes its options from PET_*; WORLD_SIZE and RANK are its own to set.
    Source: https://docs.pytorch.org/docs/stable/elastic/run.html
    """
    placement = job.placement
    contract = container_environment(
        container_job(job.request, arn=job.arn, region=job.region),
        layout=Layout(),
    )
    fixed = {
        **job.settings.environment,
        **region_variables(job.region),
        "MASTER_ADDR": job.hosts[0],
        "MASTER_PORT": str(TORCH_MASTER_PORT),
        "NCCL_SOCKET_IFNAME": NETWORK_INTERFACE,
        "GLOO_SOCKET_IFNAME": NETWORK_INTERFACE,
        "PET_NNODES": str(job.size),
        "PET_NPROC_PER_NODE": str(placement.processes_per_node),
        "PET_MASTER_ADDR": job.hosts[0],
        "PET_MASTER_PORT": str(TORCH_MASTER_PORT),
        **placement.environment,
    }
    ranked = {"PET_NODE_RANK": _RANK, "CURRENT_HOST": f"{job.name}-{_RANK}"}
    ranked = {name: value for name, value in ranked.items() if name not in contract}
    return [
        _index(),
        *({"name": name, "value": value} for name, value in sorted(ranked.items())),
        *listed({**fixed, **contract}),
    ]


def told_apart(section: Mapping[str, Any]) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """A part of a spec without the Secrets of its ``environmentFrom``, and those, which only a pod can read."""
    sources = list(section.get("environmentFrom") or ())
    plain = [source for source in sources if not source.get("secretRef")]
    return {**section, "environmentFrom": plain}, [source for source in sources if source.get("secretRef")]


def secret_sources(cluster: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The Secrets whose keys become variables of the user's container, as ``envFrom`` has them."""
    return [_source(source) for source in cluster.get("secrets") or ()]


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    prefix = {"prefix": source["prefix"]} if source.get("prefix") else {}
    return {**prefix, "secretRef": {"name": source["secretRef"]["name"]}}


def _index() -> dict[str, Any]:
    path = f"metadata.annotations['{COMPLETION_INDEX}']"
    return {"name": INDEX, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def region_variables(region: str) -> dict[str, str]:
    """The region, as the SDKs of AWS look for it."""
    return {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}


def listed(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Variables as a container has them."""
    return [{"name": name, "value": _verbatim(value)} for name, value in sorted(values.items())]


def verbatim(words: Iterable[str]) -> list[str]:
    """The words of a command as a container has them."""
    return [_verbatim(word) for word in words]


def _verbatim(text: str) -> str:
    """Kubernetes would make one ``$`` of two, and what a variable says of ``$(NAME)``; SageMaker leaves both alone.

    Source: https://github.com/kubernetes/kubernetes/blob/master/third_party/forked/golang/expansion/expand.go
    """
    return _REPLACED.sub("$$", text)
