"""Pods, as processes of this machine."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from support.kfp_runner.ir import Spec
from support.kfp_runner.place import Place

_LABEL: Final = re.compile(r"metadata\.labels\['(.+)'\]")
_ANNOTATION: Final = re.compile(r"metadata\.annotations\['(.+)'\]")


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod of a task.

    Attributes:
        task: the task's path in the run.
        name: the pod's.
        uid: the pod's.
        node: its node in the Workflow, with the number of the retry.
        number: 0 for a task's first pod.
        directory: its own, which goes with it.
        log: what it prints.
        labels, annotations: its own.
    """

    task: str
    name: str
    uid: str
    node: str
    number: int
    directory: Path
    log: Path
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    _launcher: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _process: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, task: str, *, node: str, number: int, retries: int, run_id: str, place: Place) -> Pod:
        """A new pod of a task; where there are retries, Argo numbers the nodes."""
        name = f"{node.partition('.')[0]}-{secrets.token_hex(5)}"
        directory = place.directory / "pods" / name
        directory.mkdir(parents=True)
        node = f"{node}({number})" if retries else node
        return cls(
            task=task,
            name=name,
            uid=str(uuid.uuid4()),
            node=node,
            number=number,
            directory=directory,
            log=directory / "log",
            labels={"pipeline/runid": run_id},
            annotations={"workflows.argoproj.io/node-name": node},
        )

    def run(self, command: Sequence[str], environment: Mapping[str, str], *, started: Callable[[Pod], None]) -> int:
        """Run a command to its end, and return its status.

        What it prints is read by a process of its own group, as by the launcher, which is gone with the first signal.

        Args:
            command: the container's.
            environment: its variables.
            started: told as soon as it runs.
        """
        with self.log.open("wb") as log:
            launcher = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log, process_group=0)
        assert launcher.stdin is not None
        with launcher.stdin as printed:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                process_group=launcher.pid,
            )
        with self._lock:
            self._launcher.append(launcher)
            self._process.append(process)
        started(self)
        status = process.wait()
        launcher.wait()
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the container, if it runs."""
        with self._lock:
            for process in self._process:
                if process.poll() is None:
                    os.killpg(self._launcher[0].pid, number)

    def ends_within(self, seconds: float) -> bool:
        """Wait for so long; whether the container has ended."""
        try:
            self._process[0].wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def environment(self, container: Spec, platform: Spec, place: Place) -> dict[str, str]:
        """The variables of its container: the component's, the pod's own fields, and what the launcher knows."""
        named = {each["name"]: str(each.get("value", "")) for each in container.get("env", [])}
        own = {name: self._field(path) for name, path in fields(platform).items()}
        return {**place.pod_environment(self.directory), **named, **own}

    def _field(self, path: str) -> str:
        """A field of a pod as the downward API has it: a label or annotation that is not there is empty."""
        if path in (plain := {"metadata.name": self.name, "metadata.uid": self.uid}):
            return plain[path]
        if found := _LABEL.fullmatch(path):
            return self.labels.get(found[1], "")
        if found := _ANNOTATION.fullmatch(path):
            return self.annotations.get(found[1], "")
        raise NotImplementedError(f"this runner's pods have no field {path}")


def fields(platform: Spec) -> dict[str, str]:
    """The variables of a container that are fields of its pod, by their paths: those asked for, and the launcher's."""
    asked = {each["name"]: each["fieldPath"] for each in platform.get("fieldPathAsEnv", [])}
    return {**asked, "KFP_POD_NAME": "metadata.name", "KFP_POD_UID": "metadata.uid"}
