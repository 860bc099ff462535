"""Which process is the training container's first, by what /proc says."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sagebridge.agent import processes
from sagebridge.agent.clock import Clock

V1 = "12:memory:/kubepods/pod1/{0}\n11:cpu,cpuacct:/kubepods/pod1/{0}\n1:name=systemd:/kubepods/pod1/{0}"
V2 = "0::/kubepods.slice/pod1.slice/cri-containerd-{0}.scope"


@dataclass
class Proc:
    root: Path

    def __post_init__(self) -> None:
        self.add("self", cgroup="agent", parent=7)

    def add(self, pid: int | str, *, cgroup: str, started: int = 50, parent: int = 0, state: str = "S") -> None:
        directory = self.root / str(pid)
        directory.mkdir(parents=True)
        fields = [state, str(parent), *["0"] * 17, str(started), "0", "0"]
        (directory / "stat").write_text(f"{pid} (a (b) c) {' '.join(fields)}\n")
        (directory / "cgroup").write_text(f"{cgroup}\n")

    def find(self, **options: frozenset[str]) -> int | None:
        found = processes.find(self.root, **options)
        return found.pid if found else None


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    made = Proc(tmp_path / "proc")
    made.add(1, cgroup="pause", started=1)
    made.add(7, cgroup="agent", started=60)
    return made


def test_there_is_none_yet(proc: Proc) -> None:
    proc.add(9, cgroup="train", parent=7)
    assert proc.find() is None


def test_it_is_the_first_one_without_a_parent(proc: Proc) -> None:
    proc.add(30, cgroup="train", started=20)
    proc.add(8, cgroup="train", started=90)  # an exec session; numbers begin anew one day
    proc.add(31, cgroup="train", started=21, parent=30)
    assert proc.find() == 30


def test_exec_sessions_in_our_own_container_are_ours(proc: Proc) -> None:
    proc.add(8, cgroup="agent", started=10)
    assert proc.find() is None


def test_sidecars_that_came_first_are_left_out(proc: Proc) -> None:
    proc.add(2, cgroup="mesh", started=3)
    proc.add(3, cgroup="mesh", started=4)
    assert {each.cgroup for each in processes.others(proc.root)} == {"mesh"}
    proc.add(30, cgroup="train", started=20)
    assert proc.find(sidecars=frozenset({"mesh"})) == 30


@pytest.mark.parametrize(
    ("reason", "own", "pause", "train"),
    [
        ("version 1", V1.format("agent"), V1.format("pause"), V1.format("train")),
        ("version 2", V2.format("agent"), V2.format("pause"), V2.format("train")),
        ("version 2 with a cgroup namespace", "0::/", "0::/../pause", "0::/../train"),
    ],
)
def test_both_versions_of_cgroups(tmp_path: Path, reason: str, own: str, pause: str, train: str) -> None:
    proc = Proc(tmp_path / "proc")
    shutil.rmtree(proc.root / "self")
    proc.add("self", cgroup=own, parent=7)
    proc.add(1, cgroup=pause, started=1)
    proc.add(7, cgroup=own, started=60)
    proc.add(9, cgroup=train, started=70)
    assert proc.find() == 9, reason


def test_what_vanishes_or_hides_is_no_trouble(proc: Proc) -> None:
    proc.add(8, cgroup="train", started=5)
    (proc.root / "8/stat").unlink()
    proc.add(9, cgroup="train", started=6)
    (proc.root / "9/cgroup").unlink()
    proc.add(10, cgroup="train", started=7)
    (proc.root / "10/stat").write_text("")
    proc.add(11, cgroup="train", started=8, state="Z")
    proc.add(12, cgroup="train", started=9)
    assert proc.find() == 12


def test_without_a_look_at_ourselves_nothing_is_taken_for_training(proc: Proc) -> None:
    proc.add(9, cgroup="train")
    shutil.rmtree(proc.root / "self")
    assert proc.find() is None


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def test_a_number_that_became_anothers_is_not_touched(proc: Proc, sleeper: "subprocess.Popen[bytes]") -> None:
    proc.add(sleeper.pid, cgroup="train", started=20)
    earlier = processes.Candidate(pid=sleeper.pid, started=19, cgroup="train")
    assert processes.attach(proc.root, earlier, clock=Clock()) is None


def test_what_has_ended_can_not_be_attached(proc: Proc, sleeper: "subprocess.Popen[bytes]") -> None:
    sleeper.kill()
    sleeper.wait()
    gone = processes.Candidate(pid=sleeper.pid, started=20, cgroup="train")
    assert processes.attach(proc.root, gone, clock=Clock()) is None


def test_no_descriptors_are_left_behind(proc: Proc, sleeper: "subprocess.Popen[bytes]") -> None:
    proc.add(sleeper.pid, cgroup="train", started=20)
    before = descriptors()
    processes.attach(proc.root, processes.Candidate(pid=sleeper.pid, started=19, cgroup=""), clock=Clock())
    assert descriptors() == before


def descriptors() -> set[str]:
    """Those of processes: others of this test run come and go."""
    return {path.name for path in Path("/proc/self/fd").iterdir() if "pidfd" in target(path)}


def target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""
