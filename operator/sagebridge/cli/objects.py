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

_NOT_FOUND: Final = "(NotFound)"
_SAID: Final = {"endpoint": "smep"}


class ObjectError(Exception):
    """The object can't be read; the message says why."""


class ObjectDeletedError(ObjectError):
    """The object was there before, and is no more."""


class NamedObject:
    """What a name on the command line means: NAME of a TrainingJob, or KIND/NAME.

    Args:
        name: as it was given.
        namespace: where it is; kubectl's default if empty.

    Attributes:
        latest: the object as it was read last; None before that.
    """

    def __init__(self, name: str, *, namespace: str = "") -> None:
        kind, slash, self._bare = name.rpartition("/")
        self._name = name
        self._is_bare = not slash
        self._resource = _resource(kind or DEFAULT_KIND)
        self._namespace = namespace
        self.latest: Job | None = None

    def read(self) -> Job:
        """Return the object as it is now.

        Raises:
            ObjectDeletedError: it was there at an earlier call.
            ObjectError: there is none, or kubectl is not there or is refused.
        """
        answer = _kubectl("get", f"{self._resource}/{self._bare}", "--output=json", namespace=self._namespace)
        if answer.returncode != 0:
            raise self._error(answer.stderr)
        body: Mapping[str, Any] = json.loads(answer.stdout)
        self.latest = Job.parse(body)
        return self.latest

    def _error(self, stderr: str) -> ObjectError:
        words = _last_words(stderr)
        if _NOT_FOUND not in stderr:
            return ObjectError(words)
        if self.latest:
            return ObjectDeletedError(f"{self._name} was deleted.")
        return ObjectError(f"{words}; {_hint(self._bare, namespace=self._namespace)}" if self._is_bare else words)


def _resource(kind: str) -> str:
    """The resource without ambiguity: other operators for SageMaker have kinds of the same names."""
    plural = next((plural for plural, names in NAMES.items() if kind.lower() in (plural, *names)), None)
    return f"{plural}.{GROUP}" if plural else kind


def _hint(name: str, *, namespace: str) -> str:
    """What else may be meant by a name alone."""
    others = ",".join(f"{plural}.{GROUP}" for plural, names in NAMES.items() if DEFAULT_KIND not in names)
    answer = _kubectl("get", others, name, "--output=name", "--ignore-not-found", namespace=namespace)
    # One kind that is not installed, or not to be read, makes kubectl fail, and print the others all the same.
    kinds = [line.partition(".")[0] for line in answer.stdout.split()]
    found = [f"{_SAID.get(kind, kind)}/{name}" for kind in kinds]
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"for what is no TrainingJob give KIND/NAME, such as batchtransform/{name} or smep/{name}"


def kubectl(*arguments: str, namespace: str) -> str:
    """Run kubectl with its user's credentials; what it prints.

    Raises:
        ObjectDeletedError: what was asked for by its name is not there.
        ObjectError: kubectl is not there, or is refused.
    """
    answer = _kubectl(*arguments, namespace=namespace)
    if answer.returncode != 0:
        kind = ObjectDeletedError if _NOT_FOUND in answer.stderr else ObjectError
        raise kind(_last_words(answer.stderr))
    return answer.stdout


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
