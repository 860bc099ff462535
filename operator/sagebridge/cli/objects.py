"""The objects that people name on the command line, read by kubectl with their credentials."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sagebridge.core.job import Job
from sagebridge.schema.kind import GROUP

DEFAULT_KIND: Final = "trainingjob"

# Fetching them from sagebridge.kinds would load the whole API model of SageMaker.
NAMES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "trainingjobs": ("trainingjob", "tj"),
        "hptuningjobs": ("hptuningjob", "hptj"),
        "processingjobs": ("processingjob", "pj"),
        "batchtransforms": ("batchtransform", "bt"),
        "sagemakerendpoints": ("sagemakerendpoint", "smep", "endpoint", "endpoints"),
    }
)
"""What people call the resources that have logs. Kubernetes' own `endpoints` have none, so ours are meant."""

_SAID: Final = {"endpoint": "smep"}


class ObjectError(Exception):
    """The object can't be read; the message says why."""


def read(name: str, *, namespace: str = "") -> Job:
    """Read an object.

    Args:
        name: NAME of a TrainingJob, or KIND/NAME.
        namespace: where it is; kubectl's default if empty.

    Raises:
        ObjectError: there is none, or kubectl is not there or is refused.
    """
    kind, slash, bare = name.rpartition("/")
    answer = _kubectl("get", f"{_resource(kind or DEFAULT_KIND)}/{bare}", "--output=json", namespace=namespace)
    if answer.returncode != 0:
        words = _last_words(answer.stderr)
        is_unknown = not slash and "(NotFound)" in answer.stderr
        raise ObjectError(f"{words}; {_hint(bare, namespace=namespace)}" if is_unknown else words)
    body: Mapping[str, Any] = json.loads(answer.stdout)
    return Job.parse(body)


def _resource(kind: str) -> str:
    """The resource without ambiguity: other operators for SageMaker have kinds of the same names."""
    plural = next((plural for plural, names in NAMES.items() if kind.lower() in (plural, *names)), None)
    return f"{plural}.{GROUP}" if plural else kind


def _hint(name: str, *, namespace: str) -> str:
    """What else may be meant by a name alone."""
    others = ",".join(f"{plural}.{GROUP}" for plural, names in NAMES.items() if DEFAULT_KIND not in names)
    answer = _kubectl("get", others, name, "--output=name", "--ignore-not-found", namespace=namespace)
    kinds = [line.partition(".")[0] for line in answer.stdout.split() if answer.returncode == 0]
    found = [f"{_SAID.get(kind, kind)}/{name}" for kind in kinds]
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"for what is no TrainingJob give KIND/NAME, such as batchtransform/{name} or smep/{name}"


def _kubectl(*arguments: str, namespace: str) -> subprocess.CompletedProcess[str]:
    command = ["kubectl", *arguments, *([f"--namespace={namespace}"] if namespace else [])]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise ObjectError("kubectl is not on the PATH.") from error


def _last_words(stderr: str) -> str:
    """What kubectl says in the end, without its prefix: before that it may log each of its attempts."""
    lines = stderr.strip().splitlines() or ["kubectl failed and said nothing."]
    return re.sub(r"^(error: )?(Error from server \(\w+\): )?", "", lines[-1])
