"""What the warden of a simulator remembers."""

import pytest
from sagebridge_local.runtime.warden import watch


@pytest.mark.parametrize(
    ("reason", "lines", "want"),
    [
        ("nothing ran", [], {}),
        ("one runs", [b"[7, []]\n"], {7: []}),
        ("one has ended", [b"[7, []]\n", b'[8, ["docker", "rm"]]\n', b"[7, null]\n"], {8: ["docker", "rm"]}),
        ("a number is used again", [b"[7, []]\n", b"[7, null]\n", b"[7, []]\n"], {7: []}),
        ("killed while it wrote", [b"[7, []]\n", b"[8, "], {7: []}),
    ],
)
def test_what_is_left(reason, lines, want):
    assert watch(lines) == want, reason
