"""What a container that serves finds when it starts."""

import io
import json
import stat
import tarfile
from typing import Any

import pytest
from sagebridge.core.cluster.serving.document import binary_data, document
from sagebridge.core.cluster.serving.model import Code, ModelFiles, ServedModel
from sagebridge.core.source import pack_files

MODEL = "model"


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size, member.mode = len(text), 0o600
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def give(pod: Any, *files: ModelFiles, code: Code | None = None, volume_size: int | None = None) -> None:
    """What the ConfigMap of a pod has."""
    model = ServedModel(image="i", files=files, code=code)
    pod.places.model.parent.mkdir(parents=True, exist_ok=True)
    text = document(model, region="us-west-2", fetch_seconds=60, volume_size=volume_size)
    pod.places.model.write_text(text)
    if code is not None and binary_data(model):
        (pod.places.model.parent / "code.tar.gz").write_bytes(code.archive)


def found(pod: Any, directory: str = MODEL) -> dict[str, str]:
    root = pod.ml(directory)
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def reason(pod: Any) -> str:
    told: dict[str, str] = json.loads(pod.places.termination_log.read_text())
    return told["failureReason"]


def test_an_archive_is_unpacked_for_anybody(pod: Any, bucket: Any) -> None:
    give(pod, ModelFiles(uri=bucket.put("m/model.tar.gz", archive(weights__bin="w"))))
    assert pod.fetch_model() == 0
    assert found(pod) == {"weights.bin": "w"}
    assert stat.S_IMODE((pod.ml(MODEL) / "weights.bin").stat().st_mode) & 0o066 == 0o066
    assert not pod.ml("model.tar.gz").exists()
    assert pod.places.termination_log.read_text() == ""


def test_the_objects_of_a_prefix_and_of_a_channel(pod: Any, bucket: Any) -> None:
    for key in ("m/a.bin", "m/deep/b.bin", "draft/c.bin"):
        bucket.put(key, key)
    give(
        pod,
        ModelFiles(uri=f"s3://{bucket.name}/m/", is_prefix=True, is_archive=False),
        ModelFiles(
            uri=f"s3://{bucket.name}/draft/c.bin",
            directory="additional-model-data-sources/draft",
            is_archive=False,
        ),
    )
    assert pod.fetch_model() == 0
    assert found(pod) == {"a.bin": "m/a.bin", "deep/b.bin": "m/deep/b.bin"}
    assert found(pod, "additional-model-data-sources/draft") == {"c.bin": "draft/c.bin"}


def test_code_of_a_config_map_is_put_over_the_models_own(pod: Any, bucket: Any) -> None:
    packed = pack_files({"inference.py": b"new"})
    uri = bucket.put("m/model.tar.gz", archive(**{"code/inference__py": "old", "code/helper__py": "kept"}))
    give(pod, ModelFiles(uri=uri), code=Code(entry_point="inference.py", archive=packed.body, digest=packed.digest))
    assert pod.fetch_model() == 0
    assert found(pod) == {"code/inference.py": "new", "code/helper.py": "kept"}


def test_code_on_s3_for_a_container_without_a_model(pod: Any, bucket: Any) -> None:
    give(pod, code=Code(entry_point="inference.py", uri=bucket.put("code.tar.gz", archive(inference__py="code"))))
    assert pod.fetch_model() == 0
    assert found(pod) == {"code/inference.py": "code"}


def test_a_second_try_leaves_nothing_of_the_first(pod: Any, bucket: Any) -> None:
    pod.ml(MODEL).mkdir(parents=True)
    (pod.ml(MODEL) / "half").write_text("half")
    give(pod, ModelFiles(uri=bucket.put("m/model.tar.gz", archive(weights__bin="w"))))
    assert pod.fetch_model() == 0
    assert found(pod) == {"weights.bin": "w"}


@pytest.mark.parametrize(
    ("case", "key", "body", "told"),
    [
        ("no such object", "", "", "ClientError: Failed to download model data for container"),
        ("no archive", "m/broken.tar.gz", "no archive", "can't be unpacked"),
        ("an archive that leads out", "m/bad.tar.gz", archive(**{"../../outside": "x"}), "leads out of its directory"),
    ],
)
def test_a_model_that_is_not_to_be_had(pod: Any, bucket: Any, case: str, key: str, body: Any, told: str) -> None:
    uri = bucket.put(key, body) if key else f"s3://{bucket.name}/not/there.tar.gz"
    give(pod, ModelFiles(uri=uri))
    assert pod.fetch_model() == 1, case
    assert told in reason(pod)
    assert uri in reason(pod)


def test_a_directory_outside_is_refused(pod: Any, bucket: Any) -> None:
    give(pod, ModelFiles(uri=bucket.put("m/a.tar.gz", archive(a="a")), directory="../elsewhere"))
    assert pod.fetch_model() == 1
    assert "no directory below /opt/ml" in reason(pod)


def test_a_document_of_another_version_is_told(pod: Any) -> None:
    pod.places.model.parent.mkdir(parents=True)
    pod.places.model.write_text('{"version": 2}')
    assert pod.fetch_model() == 1
    assert "version 2" in reason(pod)
