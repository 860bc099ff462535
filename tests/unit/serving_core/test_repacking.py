"""Archives with inference code, made of those that training left."""

import io
import tarfile

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.serving import Repack
from sagebridge.targets.sagemaker import repacking
from sagebridge.targets.sagemaker.repacking import pack


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return stream.getvalue()


def contents(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        return {member.name: found.read() for member in tar if member.isfile() and (found := tar.extractfile(member))}


def repack(entry_point: str = "inference.py", **files: bytes) -> Repack:
    return Repack(model_uri=None, code_uri=None, entry_point=entry_point, key="k", files=files)


def test_code_from_a_config_map_is_added_and_the_models_own_makes_way() -> None:
    model = archive(weights=b"w", code__old=b"o", nested__part=b"p")
    packed = pack(repack(**{"inference.py": b"i", "util.py": b"u"}), model=model, code=None)
    assert contents(packed) == {
        "weights": b"w",
        "nested/part": b"p",
        "code/inference.py": b"i",
        "code/util.py": b"u",
    }


def test_code_from_an_archive_is_added() -> None:
    code = archive(**{"inference.py": b"i", "lib__util.py": b"u"})
    packed = pack(repack(), model=archive(weights=b"w"), code=code)
    assert contents(packed) == {"weights": b"w", "code/inference.py": b"i", "code/lib/util.py": b"u"}


@pytest.mark.parametrize("name", ["deep/" * 30 + "util.py", "é.py"], ids=["long", "not ASCII"])
def test_code_with_names_that_need_pax_headers_stays_under_code(name: str) -> None:
    packed = pack(repack(), model=None, code=archive(**{"inference.py": b"i", name: b"u"}))
    assert contents(packed) == {"code/inference.py": b"i", f"code/{name}": b"u"}


def test_a_model_may_be_code_alone() -> None:
    assert contents(pack(repack(**{"inference.py": b"i"}), model=None, code=None)) == {"code/inference.py": b"i"}


def test_the_same_gives_the_same_bytes() -> None:
    model = archive(weights=b"w")
    made = [pack(repack(**{"inference.py": b"i"}), model=model, code=None) for _ in range(2)]
    assert made[0] == made[1]


def test_the_entry_point_must_be_there() -> None:
    with pytest.raises(SpecError, match=r'"inference\.py" is not in the source') as caught:
        pack(repack(**{"other.py": b""}), model=None, code=None)
    assert caught.value.field == "spec.source.entryPoint"


def test_what_is_no_archive_is_said() -> None:
    with pytest.raises(SpecError, match=r"the model is no readable \.tar\.gz"):
        pack(repack(**{"inference.py": b"i"}), model=b"no archive", code=None)


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repacking, "MOST_UNPACKED_BYTES", 1000)
    with pytest.raises(SpecError, match="unpacks to over 1000 bytes"):
        pack(repack(**{"inference.py": b"i"}), model=archive(weights=bytes(2000)), code=None)


def test_an_archive_that_got_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repacking, "MOST_MODEL_BYTES", 10)
    with pytest.raises(SpecError, match="more than 10 bytes"):
        pack(repack(**{"inference.py": b"i"}), model=None, code=None)
