"""The volumes of a pod, and where its containers see them.

Nothing is mounted on /opt/ml itself in the user's container: that would hide what its image has there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.document import FILE
from sagebridge.core.cluster.request import Launch
from sagebridge.core.container.layout import OPT_ML, Layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sagebridge.core.cluster.fast_file import FastFile
    from sagebridge.core.cluster.job import AccompaniedWork, ClusterJob

RUN_DIRECTORY: Final = "/var/run/sagebridge"
JOB_DIRECTORY: Final = "/etc/sagebridge/job"
POD_DIRECTORY: Final = "/etc/sagebridge/pod"

_ML, _RUN, _JOB, _POD, _SHARED_MEMORY = "ml", "run", "job", "pod", "shm"
_PARTS: Final = ("input", "model", "output")
_RUN_SIZE: Final = "64Mi"

Mount = dict[str, Any]


def volumes(job: ClusterJob) -> list[dict[str, Any]]:
    """The volumes of a training pod."""
    claims = {_claim_volume(job, name): {"claimName": name} for name in _claims(job)}
    fast_files = {_fast_file_volume(job, one): {"claimName": one.claim, "readOnly": True} for one in job.fast_files}
    return own_volumes(job) + [
        {"name": name, "persistentVolumeClaim": one} for name, one in (claims | fast_files).items()
    ]


def own_volumes(job: AccompaniedWork) -> list[dict[str, Any]]:
    """The volumes of every pod that has an agent beside the user's container."""
    size = f"{job.resources.get('VolumeSizeInGB', 30)}Gi"
    annotations = {"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}
    found: list[dict[str, Any]] = [
        {"name": _ML, "emptyDir": {"sizeLimit": size}},
        {"name": _RUN, "emptyDir": {"sizeLimit": _RUN_SIZE}},
        {"name": _JOB, "configMap": {"name": job.name, "items": [{"key": FILE, "path": FILE}]}},
        {"name": _POD, "downwardAPI": {"items": [annotations]}},
    ]
    if job.placement.shared_memory:
        shared = {"medium": "Memory", "sizeLimit": job.placement.shared_memory}
        found.append({"name": _SHARED_MEMORY, "emptyDir": shared})
    return found


def agent_mounts() -> list[Mount]:
    """What the agent sees, before and beside the user's container."""
    return [
        {"name": _ML, "mountPath": OPT_ML},
        {"name": _RUN, "mountPath": RUN_DIRECTORY},
        {"name": _JOB, "mountPath": JOB_DIRECTORY, "readOnly": True},
        {"name": _POD, "mountPath": POD_DIRECTORY, "readOnly": True},
    ]


def train_mounts(job: ClusterJob) -> list[Mount]:
    """What the training container sees."""
    layout = Layout()
    parts = [*_PARTS, "code"] if job.launch is Launch.SCRIPT else [*_PARTS]
    mounts = ml_mounts(f"{OPT_ML}/{part}" for part in parts)
    checkpoints = job.request.get("CheckpointConfig")
    if checkpoints:
        path = checkpoints.get("LocalPath") or layout.checkpoints
        mounts.append({"name": _ML, "mountPath": path, "subPath": "checkpoints"})
    if job.launch is Launch.SCRIPT:
        mounts.append({"name": _RUN, "mountPath": RUN_DIRECTORY, "readOnly": True})
    return [*mounts, *shared_memory(job), *_file_systems(job, layout), *_fast_files(job, layout)]


def ml_mounts(paths: Iterable[str]) -> list[Mount]:
    """Directories below /opt/ml, as the user's container sees them where the agent does."""
    return [{"name": _ML, "mountPath": path, "subPath": path.removeprefix(f"{OPT_ML}/")} for path in paths]


def shared_memory(job: AccompaniedWork) -> list[Mount]:
    """What the user's container has for shared memory, if that is to be more than a runtime gives."""
    path = "/dev/shm"  # noqa: S108 - its name in every container
    return [{"name": _SHARED_MEMORY, "mountPath": path}] if job.placement.shared_memory else []


def _claims(job: ClusterJob) -> list[str]:
    return sorted(set(job.claims.values()))


def _claim_volume(job: ClusterJob, claim: str) -> str:
    return f"file-system-{_claims(job).index(claim)}"


def _fast_file_volume(job: ClusterJob, one: FastFile) -> str:
    return f"fast-file-{job.fast_files.index(one)}"


def _fast_files(job: ClusterJob, layout: Layout) -> Iterator[Mount]:
    for one in job.fast_files:
        path = layout.channel(one.channel)
        yield {"name": _fast_file_volume(job, one), "mountPath": path, "readOnly": True}


def _file_systems(job: ClusterJob, layout: Layout) -> Iterator[Mount]:
    for channel in job.request.get("InputDataConfig", ()):
        claim = job.claims.get(channel["ChannelName"])
        if claim is not None:
            yield _file_system(channel, _claim_volume(job, claim), layout)


def _file_system(channel: Mapping[str, Any], volume: str, layout: Layout) -> Mount:
    source = channel["DataSource"]["FileSystemDataSource"]
    directory = source.get("DirectoryPath", "/").strip("/")
    return {
        "name": volume,
        "mountPath": layout.channel(channel["ChannelName"]),
        "readOnly": source.get("FileSystemAccessMode", "ro") == "ro",
        **({"subPath": directory} if directory else {}),
    }
