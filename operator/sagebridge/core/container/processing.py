"""What the container of a processing job is told about it.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-config.html (the two files in /opt/ml/config)
    https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html (ExitMessage)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.container.job import sagemaker_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def config_files(request: Mapping[str, Any], *, arn: str, host: str) -> dict[str, str]:
    """File name -> content, for one host's /opt/ml/config."""
    told = {key: value for key, value in request.items() if key not in _NOT_TOLD}
    job = {"ProcessingJobArn": arn, **_ALWAYS_THERE, **told}
    resources = {"current_host": host, "hosts": list(hosts(request))}
    return {JOB_CONFIG_FILE: json.dumps(job), RESOURCE_CONFIG_FILE: json.dumps(resources)}


def exit_message(messages: Sequence[bytes]) -> str:
    """ExitMessage: what all hosts left in their message files, one after the other, cut to a kilobyte.

    Raises:
        UnicodeDecodeError: a file is not UTF-8, which fails the job.
    """
    text = "".join(message.decode() for message in messages)
    return text.encode()[:EXIT_MESSAGE_BYTES].decode(errors="ignore")
