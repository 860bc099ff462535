"""A simulator that is killed leaves nothing running."""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
from support.waiting import eventually

# A process that starts one of its own (which ignores SIGTERM) with a child, says their numbers, and waits.
PARENT = """
import asyncio, sys
from pathlib import Path
from sagebridge_local.runtime.guard import GUARD
from sagebridge_local.runtime.process import ContainerProcess

CHILD = '''
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), grandchild.pid, flush=True)
time.sleep(600)
'''

async def say(data, error):
    sys.stdout.write(data.decode())
    sys.stdout.flush()

async def main():
    kill = [sys.executable, "-c", f"open({sys.argv[1]!r}, 'w').close()"]
    for number in range(2):
        await ContainerProcess.start(
            [sys.executable, "-c", CHILD], directory=Path("/"), environment={}, sink=say, kill_command=kill
        )
        if sys.argv[2] == "without warden" and number == 0:
            GUARD._warden.kill()
            GUARD._warden.wait()
    await asyncio.sleep(600)

asyncio.run(main())
"""


def _start(mark, how="as ever"):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(mark), how], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    children = [psutil.Process(int(word)) for _ in range(2) for word in parent.stdout.readline().split()]
    return parent, children


def _gone(processes):
    return not any(map(_runs, processes))


def _runs(process):
    with contextlib.suppress(psutil.NoSuchProcess):  # it may end between two looks
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_what_runs_ends_with_a_simulator_that_is_killed(tmp_path):
    mark = tmp_path / "mark"
    parent, children = _start(mark)
    assert len(children) == 4
    assert all(child.is_running() for child in children)

    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    eventually(lambda: _gone(children), what="the end of what ran")
    eventually(mark.exists, what="the command that ends it for certain")


def test_a_warden_that_was_ended_is_replaced(tmp_path):
    parent, children = _start(tmp_path / "mark", "without warden")

    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    eventually(lambda: _gone(children), what="the end of what ran")
