"""moto's modules, asked for while another thread imports them."""

import sys
import threading

import pytest
from sagebridge_local.sagemaker.moto_modules import loaded

SLOW = """
import slow_gate

slow_gate.begun.set()
slow_gate.go.wait()
answer = 42
"""


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """A module `slow` whose import waits until the test lets it go on."""
    (tmp_path / "slow_gate.py").write_text("import threading\n\nbegun, go = threading.Event(), threading.Event()\n")
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    import slow_gate

    yield slow_gate
    for name in ("slow", "slow_gate"):
        sys.modules.pop(name, None)


def test_a_module_that_is_being_imported_is_not_loaded_yet(gate):
    before = loaded("slow")
    importing = threading.Thread(target=__import__, args=("slow",))
    importing.start()
    gate.begun.wait()
    meanwhile = loaded("slow")
    gate.go.set()
    importing.join()

    assert (before, meanwhile) == (None, None)
    assert loaded("slow").answer == 42
