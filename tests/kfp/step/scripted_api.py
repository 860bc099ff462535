"""The API server, as a test scripts it: for what the real one can't be made to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import kubernetes
from sagebridge_kfp.step.api import Api
from support.scripted_http import Asked, Reply, ScriptedHttp, told

PATH = "/apis/sagebridge.io/v1alpha1/namespaces/team-a/trainingjobs"
Answer = Callable[[Asked], Reply]


def refused(status: int, reason: str, message: str = "no") -> Reply:
    """A Status of Kubernetes."""
    return told({"kind": "Status", "code": status, "reason": reason, "message": message}, status=status)


def in_turn(*answers: Reply) -> Answer:
    """These in order; the last one for ever."""
    line = list(answers)
    return lambda asked: line.pop(0) if len(line) > 1 else line[0]


@contextmanager
def scripted_api(answer: Answer) -> Iterator[tuple[Api, ScriptedHttp]]:
    """A client, and the server that it asks."""
    with ScriptedHttp(answer) as server:
        configuration = kubernetes.client.Configuration()
        configuration.host = server.url
        with kubernetes.client.ApiClient(configuration) as client:
            yield Api(client, namespace="team-a"), server


def job(**status: Any) -> dict[str, Any]:
    """A TrainingJob."""
    metadata = {
        "name": "train-abc",
        "namespace": "team-a",
        "uid": "u1",
        "resourceVersion": "7",
        "generation": 1,
        "annotations": {"sagebridge.io/step-pod": "p/u"},
    }
    return {"kind": "TrainingJob", "metadata": metadata, "spec": {}, "status": {"observedGeneration": 1} | status}


def having(kind: str, reason: str = "R", message: str = "m", **status: Any) -> dict[str, Any]:
    """A TrainingJob with one condition that is True, and Ready as it goes with it."""
    is_ready = "True" if kind in ("Complete", "Ready") else "False"
    told_by = {"Ready": is_ready, kind: "True"}
    common = {"reason": reason, "message": message}
    conditions = [{"type": name, "status": value, **common} for name, value in told_by.items()]
    return job(conditions=conditions, **status)
