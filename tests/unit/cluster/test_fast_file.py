"""Which FastFile channels can be volumes, and what is made for them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.cluster.document import document
from sagebridge.core.cluster.fast_file import LABEL_VOLUME, claim, fast_files, is_used_up, mounted_by, volume
from sagebridge.core.cluster.job import ClusterJob
from sagebridge.core.cluster.manifests import job_manifest
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID
from support.cluster_jobs import OWNER, cluster_job
from support.training_jobs import CHANNEL, FILE_SYSTEM, OWN_IMAGE, changed

JOB_OWNER = {"apiVersion": "batch/v1", "kind": "Job", "name": "job", "uid": "u1"}


def channel(uri: str = "s3://bucket/digits/", name: str = "digits", mode: str = "FastFile", **s3: Any) -> Any:
    source = {"s3DataType": "S3Prefix", "s3Uri": uri, **s3}
    return {"channelName": name, "inputMode": mode, "dataSource": {"s3DataSource": source}}


def with_volumes(*channels: Any) -> ClusterJob:
    job = cluster_job(changed(OWN_IMAGE, {"inputDataConfig": list(channels)}))
    return replace(job, fast_files=fast_files(job.request, owner=job.owner, attempt=job.attempt))


@pytest.mark.parametrize(
    ("given", "folder", "reason"),
    [
        (channel(), ("bucket", "digits/"), "a folder"),
        (channel("s3://bucket/a/b c/"), None, "a space would end the mount option"),
        (channel("s3://bucket/a=1/b.c/"), ("bucket", "a=1/b.c/"), "a partition's name"),
        (channel("s3://bucket/"), ("bucket", ""), "the whole bucket"),
        (channel("s3://bucket"), ("bucket", ""), "the whole bucket, without a slash"),
        (channel("s3://bucket/digits"), None, "a folder, a file or the beginning of names: only S3 knows"),
        (channel("s3://bucket/digits.csv"), None, "looks like a file"),
        (channel("s3://bucket/a//b/"), None, "no path has an empty name"),
        (channel("s3://bucket/a/../b/"), None, "means another folder as a path"),
        (channel("s3://bucket/ä/"), None, "a mount option is plain text"),
        (channel("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x/"), None, "no bucket's name"),
        (channel(mode="File"), None, "is downloaded as SageMaker does"),
        (channel(s3DataDistributionType="FullyReplicated"), ("bucket", "digits/"), "all of it on each host"),
        (channel(s3DataDistributionType="ShardedByS3Key"), None, "each host sees another part"),
        (channel(s3DataType="ManifestFile"), None, "names objects from anywhere"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_which_channels_can_be_volumes(given: Any, folder: tuple[str, str] | None, reason: str) -> None:
    found = with_volumes(given).fast_files

    assert [(one.bucket, one.prefix) for one in found] == ([folder] if folder else []), reason


@pytest.mark.parametrize(
    ("default", "own", "count"),
    [("FastFile", None, 1), ("FastFile", "File", 0), ("File", "FastFile", 1), ("File", None, 0)],
)
def test_a_channel_s_own_mode_counts_before_the_job_s(default: str, own: str | None, count: int) -> None:
    given = {key: value for key, value in (channel() | {"inputMode": own}).items() if value is not None}
    request = cluster_job(
        changed(OWN_IMAGE, {"inputDataConfig": [given], "algorithmSpecification": {"trainingInputMode": default}})
    ).request

    assert len(fast_files(request, owner=OWNER, attempt=1)) == count


def test_each_channel_and_attempt_has_names_of_its_own() -> None:
    request = with_volumes(CHANNEL, channel(name="a"), channel(name="b")).request
    found = [one for attempt in (1, 2) for one in fast_files(request, owner=OWNER, attempt=attempt)]

    assert [one.channel for one in found] == ["a", "b"] * 2
    assert len({one.volume for one in found}) == len({one.claim for one in found}) == 4
    assert max(len(one.volume) for one in found) <= 63, "it is a label's value too"


def test_only_the_training_container_sees_it_and_can_not_write() -> None:
    pod = job_manifest(with_volumes(channel()))["spec"]["template"]["spec"]
    mounts = {
        one["name"]: [mount for mount in one["volumeMounts"] if mount["name"] == "fast-file-0"]
        for one in [*pod["initContainers"], *pod["containers"]]
    }

    wanted = {"name": "fast-file-0", "mountPath": "/opt/ml/input/data/digits", "readOnly": True}
    assert mounts == {"prepare": [], "train": [wanted], "agent": []}


def test_the_agent_leaves_it_alone() -> None:
    job = replace(with_volumes(channel(), FILE_SYSTEM, CHANNEL | {"channelName": "s3"}), claims={"train": "datasets"})

    assert json.loads(document(job))["mounted"] == ["digits", "train"]


def test_claim_and_volume_are_for_each_other_alone() -> None:
    job = with_volumes(channel())
    [one] = job.fast_files
    wish, made = claim(job, one, owner=JOB_OWNER), volume(job, one, claim_uid="c1")

    assert made["spec"]["claimRef"] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": OWNER.namespace,
        "name": wish["metadata"]["name"],
        "uid": "c1",
    }
    assert wish["spec"]["selector"]["matchLabels"].items() <= made["metadata"]["labels"].items()
    assert wish["spec"]["storageClassName"] == made["spec"]["storageClassName"] == ""
    assert wish["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert made["metadata"]["labels"][LABEL_VOLUME] == made["spec"]["csi"]["volumeHandle"] == made["metadata"]["name"]


def test_the_driver_reads_as_the_pod_and_only_below_the_prefix() -> None:
    job = with_volumes(channel())
    spec = volume(job, job.fast_files[0], claim_uid="c1")["spec"]

    assert spec["csi"]["volumeAttributes"] == {"bucketName": "bucket", "authenticationSource": "pod"}
    assert spec["mountOptions"] == ["read-only", "allow-other", "region=eu-west-1", "prefix=digits/"]
    assert spec["accessModes"] == ["ReadOnlyMany"]


def test_a_whole_bucket_has_no_prefix() -> None:
    job = with_volumes(channel("s3://bucket"))

    assert not [
        one for one in volume(job, job.fast_files[0], claim_uid="c1")["spec"]["mountOptions"] if "prefix" in one
    ]


def test_a_job_that_was_made_without_them_stays_without() -> None:
    job = with_volumes(channel(name="a"), channel(name="b"))
    one, other = job.fast_files

    assert mounted_by(job_manifest(replace(job, fast_files=())), job.fast_files) == ()
    assert mounted_by(job_manifest(replace(job, fast_files=(other,))), job.fast_files) == (other,)
    assert mounted_by(job_manifest(job), job.fast_files) == (one, other)


@pytest.mark.parametrize(
    ("phase", "wanted"),
    [("Pending", False), ("Available", False), ("Bound", False), ("Released", True), ("Failed", True), (None, False)],
)
def test_a_volume_is_used_up_once_its_claim_is_gone(phase: str | None, wanted: bool) -> None:
    assert is_used_up(persistent_volume() | {"status": {"phase": phase} if phase else None}) is wanted


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("metadata", "name"), "data", "it has not the name that its label says"),
        (("metadata", "labels", LABEL_VOLUME), "data", "nor has this"),
        (("metadata", "labels", LABEL_UID), "another", "it is called after no attempt"),
        (("metadata", "labels", LABEL_ATTEMPT), "2", "it is called after another attempt"),
        (("metadata", "labels"), None, "it has no labels"),
        (("spec", "csi", "driver"), "ebs.csi.aws.com", "there is a disk behind it"),
        (("spec", "csi", "volumeHandle"), "vol-1", "it shows something else"),
        (("spec", "csi"), None, "it is a directory of a node, or of NFS"),
        (("spec", "persistentVolumeReclaimPolicy"), "Delete", "what is behind it would go with it"),
        (("spec", "claimRef"), None, "it was for nobody"),
        (("spec", "claimRef", "uid"), None, "it was for any claim of a name"),
    ],
)
def test_a_volume_that_only_says_it_is_ours_is_not(path: tuple[str, ...], value: Any, reason: str) -> None:
    made = persistent_volume()
    *parents, last = path
    place = made
    for name in parents:
        place = place[name]
    place[last] = value

    assert not is_used_up(made), reason


def persistent_volume() -> dict[str, Any]:
    job = with_volumes(channel())
    return volume(job, job.fast_files[0], claim_uid="c1") | {"status": {"phase": "Released"}}
