"""What the container of a processing job is told about it.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-config.html (the two files in /opt/ml/config)
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html (ExitMessage)
"""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.container.job import sagemaker_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

JOB_CONFIG_FILE: Final = "processingjobconfig.json"
RESOURCE_CONFIG_FILE: Final = "resourceconfig.json"
EXIT_MESSAGE_BYTES: Final = 1024

_NOT_TOLD: Final = frozenset({"Tags", "ExperimentConfig"})
# There even if the request has none: containers look them up without asking.
_ALWAYS_THERE: Final = {"Environment": {}, "ProcessingInputs": [], "ProcessingOutputConfig": {"Outputs": []}}


def hosts(request: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the hosts of a CreateProcessingJob request, in lexicographic order: algo-10 before algo-2."""
    cluster = request["ProcessingResources"]["ClusterConfig"]
    preferences = cluster.get("InstancePreferences") or [{}]
    count = cluster.get("InstanceCount") or preferences[0].get("InstanceCount") or 1
    return tuple(sorted(sagemaker_host(index) for index in range(count)))


def config_files(request: Mapping[str, Any], *, arn: str, host: str, hosts: Sequence[str]) -> dict[str, str]:
    """File name -> content, for one host's /opt/ml/config.

    Args:
        request: of CreateProcessingJob, PascalCase and complete.
        arn: the job's.
        host: whose files they are.
        hosts: the names of all hosts, as they are to be listed.
    """
    told = {key: value for key, value in request.items() if key not in _NOT_TOLD}
    job = {"ProcessingJobArn": arn, **_ALWAYS_THERE, **told}
    resources = {"current_host": host, "hosts": list(hosts)}
    return {JOB_CONFIG_FILE: json.dumps(job), RESOURCE_CONFIG_FILE: json.dumps(resources)}


def local_paths(request: Mapping[str, Any]) -> tuple[str, ...]:
    """Where the container finds its inputs and leaves its outputs: all LocalPaths, in order, each once and absolute.

    Those of what the container manages itself are among them, where it has any.
    """
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
    found = [*_members(request.get("ProcessingInputs", ()), "S3Input"), *_members(outputs, "S3Output")]
    return tuple(sorted({posixpath.normpath(each["LocalPath"]) for each in found if each.get("LocalPath")}))


def _members(items: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [item[name] for item in items if name in item]


def exit_message(messages: Sequence[bytes]) -> str:
    """ExitMessage: what all hosts left in their message files, one after the other, cut to a kilobyte.

    Raises:
        UnicodeDecodeError: a file is not UTF-8, which fails the job.
    """
    text = "".join(message.decode() for message in messages)
    return text.encode()[:EXIT_MESSAGE_BYTES].decode(errors="ignore")
