"""FastFile channels as volumes: the Mountpoint for Amazon S3 CSI driver shows the objects under a prefix as files.

Sources: https://github.com/awslabs/mountpoint-s3-csi-driver/blob/main/docs/CONFIGURATION.md,
https://github.com/awslabs/mountpoint-s3/blob/main/doc/CONFIGURATION.md and
https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reserving-a-persistentvolume
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.engines import pod_spec
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID, kubernetes_name, labels_of
from sagebridge.core.names import TAG_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.job import ClusterJob
    from sagebridge.core.names import Owner

DRIVER: Final = "s3.csi.aws.com"
LABEL_VOLUME: Final = TAG_PREFIX + "volume"
"""On each of these PersistentVolumes, with its own name: by it they are listed, and each finds its claim."""

_FAST_FILE: Final = "FastFile"
# A folder, of whose name every character can be in a mount option and in a path.
_FOLDER: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]*)(?:/((?:[\w!*'().=@:,+&$;~-]+/)*))?", re.ASCII)
_NO_NAMES: Final = frozenset({".", ".."})
_USED_UP: Final = frozenset({"Released", "Failed"})
_SIZE: Final = "1Gi"
"""Kubernetes wants one; S3 has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FastFile:
    """One channel of an attempt that can be a volume.

    Attributes:
        channel: its name.
        bucket: where its objects are.
        prefix: of their keys; ends with a slash, or is empty.
        claim: name of its PersistentVolumeClaim, in the job's namespace.
        volume: name of its PersistentVolume, which no namespace has.
    """

    channel: str
    bucket: str
    prefix: str
    claim: str
    volume: str


def fast_files(request: Mapping[str, Any], *, owner: Owner, attempt: int) -> tuple[FastFile, ...]:
    """The channels of a request (PascalCase) that can be volumes.

    A volume shows a folder. Where ``S3Uri`` has no slash at its end, only S3 knows whether it is one, or a file, or
    the beginning of some names; and no volume shows each host another part of the objects.
    """
    job, mode = kubernetes_name(owner, attempt), request["AlgorithmSpecification"].get("TrainingInputMode")
    return tuple(
        FastFile(
            channel=channel["ChannelName"],
            bucket=folder[1],
            prefix=folder[2] or "",
            claim=f"{job}-input-{index}",
            volume=f"sagebridge-{owner.uid}-{attempt}-{index}",
        )
        for index, channel in enumerate(request.get("InputDataConfig", ()))
        if channel.get("InputMode", mode) == _FAST_FILE and (folder := _folder(channel)) is not None
    )


def mounted_by(made: Mapping[str, Any], found: tuple[FastFile, ...]) -> tuple[FastFile, ...]:
    """Those of them that the pods of a Job or JobSet have as volumes: it may be older than the driver."""
    volumes = pod_spec(made).get("volumes") or ()
    claims = {(volume.get("persistentVolumeClaim") or {}).get("claimName") for volume in volumes}
    return tuple(one for one in found if one.claim in claims)


def claim(job: ClusterJob, one: FastFile, *, owner: Mapping[str, str]) -> dict[str, Any]:
    """The PersistentVolumeClaim, which goes with its owner. It takes the volume that is made for it and no other."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": one.claim,
            "namespace": job.namespace,
            "labels": job.labels,
            "ownerReferences": [dict(owner)],
        },
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            # Not the cluster's default class, which would make another volume.
            "storageClassName": "",
            "resources": {"requests": {"storage": _SIZE}},
            # By label and not by name: a claim that names a volume before it is there is looked at again only later.
            "selector": {"matchLabels": {LABEL_VOLUME: one.volume}},
        },
    }


def volume(job: ClusterJob, one: FastFile, *, claim_uid: str) -> dict[str, Any]:
    """The PersistentVolume. With the claim's UID in it, no other can ever have it, and it is Released without it."""
    reserved = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": job.namespace, "name": one.claim}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": one.volume, "labels": {**job.labels, LABEL_VOLUME: one.volume}},
        "spec": {
            "accessModes": ["ReadOnlyMany"],
            "capacity": {"storage": _SIZE},
            "storageClassName": "",
            # There is nothing to delete behind it.
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {**reserved, "uid": claim_uid},
            "mountOptions": _mount_options(job, one),
            "csi": {
                "driver": DRIVER,
                "volumeHandle": one.volume,
                "readOnly": True,
                # Never the driver's own role, which may read more than this namespace.
                "volumeAttributes": {"bucketName": one.bucket, "authenticationSource": "pod"},
            },
        },
    }


def is_used_up(persistent_volume: Mapping[str, Any]) -> bool:
    """Whether it is one of ours, and its claim is gone: Kubernetes gives it to no other."""
    phase = (persistent_volume.get("status") or {}).get("phase")
    return phase in _USED_UP and _is_ours(persistent_volume)


def _is_ours(persistent_volume: Mapping[str, Any]) -> bool:
    """Whether it is what `volume` makes: a label alone is anybody's, also on a volume that has somebody's data."""
    labels, spec = labels_of(persistent_volume), persistent_volume.get("spec") or {}
    name, driver = persistent_volume["metadata"]["name"], spec.get("csi") or {}
    return (
        name == labels.get(LABEL_VOLUME)
        and name.startswith(f"sagebridge-{labels.get(LABEL_UID)}-{labels.get(LABEL_ATTEMPT)}-")
        and (driver.get("driver"), driver.get("volumeHandle")) == (DRIVER, name)
        and spec.get("persistentVolumeReclaimPolicy") == "Retain"
        and bool((spec.get("claimRef") or {}).get("uid"))
    )


def _folder(channel: Mapping[str, Any]) -> re.Match[str] | None:
    source = channel["DataSource"].get("S3DataSource") or {}
    if source.get("S3DataType", "S3Prefix") != "S3Prefix":
        return None
    if source.get("S3DataDistributionType", "FullyReplicated") != "FullyReplicated":
        return None
    found = _FOLDER.fullmatch(source["S3Uri"])
    return found if found and not _NO_NAMES.intersection((found[2] or "").split("/")) else None


def _mount_options(job: ClusterJob, one: FastFile) -> list[str]:
    # The training image's user may be anybody.
    options = ["read-only", "allow-other", f"region={job.region}"]
    # Releases of the driver have taken the first "=" for the end of the name, also after a space: `prefix year=2026/`.
    return [*options, f"prefix={one.prefix}"] if one.prefix else options
