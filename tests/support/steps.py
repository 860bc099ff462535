"""Pipeline steps as processes, under a service account of their own, in a namespace that an operator serves."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

import kubernetes
import yaml
from sagebridge_kfp.step.kinds import PLURALS

from support import step_program
from support.jobs import GROUP
from support.waiting import LONGEST_SECONDS, eventually

ACCOUNT: Final = "pipeline-runner"
VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete")
RULES: Final = [{"apiGroups": [GROUP], "resources": sorted(PLURALS.values()), "verbs": list(VERBS)}]
"""What a step needs, and no more: nothing of their status, for instance."""

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["kubernetes", "sagebridge_kfp.step.run", "support.step_program"])


def grant(kube: kubernetes.client.ApiClient, namespace: str, *, kubeconfig: Path, into: Path) -> Path:
    """Make a service account for steps, and the kubeconfig that has its token and its namespace."""
    core, rbac = kubernetes.client.CoreV1Api(kube), kubernetes.client.RbacAuthorizationV1Api(kube)
    metadata = {"name": ACCOUNT}
    core.create_namespaced_service_account(namespace, {"metadata": metadata})
    rbac.create_namespaced_role(namespace, {"metadata": metadata, "rules": RULES})
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    rbac.create_namespaced_role_binding(namespace, {"metadata": metadata, "subjects": [subject], "roleRef": role})
    token = core.create_namespaced_service_account_token(ACCOUNT, namespace, {"spec": {}}).status.token
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"] = [{"name": ACCOUNT, "user": {"token": token}}]
    config["contexts"] = [
        {"name": "step", "context": {"cluster": config["clusters"][0]["name"], "user": ACCOUNT, "namespace": namespace}}
    ]
    config["current-context"] = "step"
    file = into / f"{namespace}.yaml"
    file.write_text(yaml.safe_dump(config))
    return file


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a run, whose step may have several pods, one after the other.

    Attributes:
        directory: what its processes read and write.
        kubeconfig: how they reach the API server.
        run: the run's id.
        node: its node in the run.
    """

    directory: Path
    kubeconfig: Path
    run: str
    node: str = "digits-abc12.root.train.executor"

    def start(self, pod: int = 0, **wanted: Any) -> Step:
        """Start its step in a pod of that number."""
        log = self._prepare(wanted)
        arguments = (self.directory / "request.json", log, self._environment(pod))
        process = _FORKS.Process(target=step_program.forked, args=arguments, daemon=True)
        process.start()
        return Step(process=process, log=log, outcome=self.directory / "outcome.json")

    def run_anew(self, **wanted: Any) -> subprocess.CompletedProcess[str]:
        """Run its step to the end as a Python of its own."""
        self._prepare(wanted)
        command = [sys.executable, "-P", step_program.__file__, str(self.directory / "request.json")]
        environment = self._environment(0)
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_SECONDS
        )

    def _prepare(self, wanted: Mapping[str, Any]) -> Path:
        self.directory.mkdir(exist_ok=True)
        (self.directory / "outcome.json").unlink(missing_ok=True)
        (self.directory / "request.json").write_text(json.dumps({"kind": "TrainingJob", **wanted}))
        return self.directory / "log"

    def _environment(self, pod: int) -> dict[str, str]:
        return {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "SAGEBRIDGE_RUN_ID": self.run,
            "SAGEBRIDGE_NODE_NAME": f"{self.node}({pod})",
            "KFP_POD_NAME": f"{self.run}-pod-{pod}",
            "KFP_POD_UID": f"uid-{pod}",
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """One process of a step."""

    process: ForkServerProcess
    log: Path
    outcome: Path

    @property
    def output(self) -> str:
        """What it has printed."""
        return self.log.read_text() if self.log.exists() else ""

    def wait_for(self, words: str) -> None:
        """Wait until it has printed something."""
        eventually(lambda: words in self.output, what=f"{words!r} in {self.output!r}")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it lives."""
        assert self.process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def end(self) -> int | None:
        """Wait for its end; the exit status."""
        self.process.join(LONGEST_SECONDS)
        return self.process.exitcode

    def result(self) -> dict[str, Any]:
        """Its outcome, which is well."""
        assert self.end() == 0, self.output
        told: dict[str, Any] = json.loads(self.outcome.read_text())
        return told
