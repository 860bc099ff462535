"""The three files in /opt/ml/input/config.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sagebridge.core.container.job import Channel, ContainerJob
    from sagebridge.core.container.layout import Layout

HYPERPARAMETERS_FILE: Final = "hyperparameters.json"
INPUT_DATA_CONFIG_FILE: Final = "inputdataconfig.json"
RESOURCE_CONFIG_FILE: Final = "resourceconfig.json"


def hyperparameters(job: ContainerJob, *, layout: Layout) -> dict[str, str]:
    """hyperparameters.json: flat, every value a string; paths below /opt/ml are moved into the layout."""
    return {name: layout.locate_hyperparameter(value) for name, value in job.hyperparameters.items()}


def input_data_config(job: ContainerJob, *, host: str) -> dict[str, dict[str, str]]:
    """inputdataconfig.json: channel -> what the container must know to read it."""
    return {channel.name: _channel_config(channel) for channel in job.channels_of(host)}


def resource_config(job: ContainerJob, *, host: str) -> dict[str, Any]:
    """resourceconfig.json: who this host is, and who the others are.

    The training toolkit reads the host's group under `current_group_name`:
    https://github.com/aws/sagemaker-training-toolkit/blob/master/src/sagemaker_training/environment.py
    """
    group = job.cluster.group_of(host)
    return {
        "current_host": host,
        "current_instance_type": group.instance_type,
        "current_group_name": group.name,
        "hosts": list(job.cluster.hosts),
        "instance_groups": [
            {
                "instance_group_name": each.name,
                "instance_type": each.instance_type,
                "hosts": list(job.cluster.hosts_of(each)),
            }
            for each in job.cluster.groups
        ],
        "network_interface_name": job.cluster.network_interface,
    }


def config_files(job: ContainerJob, *, host: str, layout: Layout) -> dict[str, str]:
    """File name -> content, for one host's input/config directory."""
    return {
        HYPERPARAMETERS_FILE: json.dumps(hyperparameters(job, layout=layout)),
        INPUT_DATA_CONFIG_FILE: json.dumps(input_data_config(job, host=host)),
        RESOURCE_CONFIG_FILE: json.dumps(resource_config(job, host=host)),
    }


def _channel_config(channel: Channel) -> dict[str, str]:
    content_type = {"ContentType": channel.content_type} if channel.content_type else {}
    return content_type | {
        # A container can't tell FastFile from File: both are files.
        "TrainingInputMode": "File" if channel.input_mode == "FastFile" else channel.input_mode,
        "S3DistributionType": channel.distribution,
        "RecordWrapperType": channel.record_wrapper,
    }
