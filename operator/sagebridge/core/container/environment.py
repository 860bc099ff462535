"""The environment of the container, and the SM_* variables of script mode.

Which variables there are, their names and the form of their values follow the training toolkit's `Environment`
(https://github.com/aws/sagemaker-training-toolkit/blob/master/src/sagemaker_training/environment.py, version 5.1) and
its ENVIRONMENT_VARIABLES.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sagebridge.core.container import config
from sagebridge.core.container import hyperparameters as hps

if TYPE_CHECKING:
    from sagebridge.core.container.job import ContainerJob, Machine
    from sagebridge.core.container.layout import Layout


def container_environment(job: ContainerJob, *, layout: Layout) -> dict[str, str]:
    """What every container gets, with or without the toolkit: the request's Environment and the job's identity."""
    return {
        **{name: layout.locate(value) for name, value in job.environment.items()},
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
        "AWS_REGION": job.region,
    }


def script_environment(
    job: ContainerJob, *, host: str, layout: Layout, machine: Machine, framework_module: str | None = None
) -> dict[str, str]:
    """The SM_* variables, and the few others that the toolkit sets for the script.

    Args:
        job: The job.
        host: The host whose script it is.
        layout: Where the host's /opt/ml is.
        machine: What SM_NUM_CPUS, SM_NUM_GPUS and SM_NUM_NEURONS tell.
        framework_module: SM_FRAMEWORK_MODULE: the module in the image that calls the script, such as
            `sagemaker_pytorch_container.training:main`.
    """
    parameters = hps.read(config.hyperparameters(job, layout=layout))
    facts = _facts(job, host=host, layout=layout, machine=machine, parameters=parameters)
    facts["framework_module"] = framework_module
    variables: dict[str, Any] = {_VARIABLES.get(name, name): value for name, value in facts.items()}
    for name in _ONLY_IN_TRAINING_ENV:
        del variables[name]
    variables |= {
        "channels": sorted(facts["channel_input_dirs"]),
        "training_env": facts,
        "user_args": hps.arguments(parameters.user),
        **{f"channel_{name}": path for name, path in facts["channel_input_dirs"].items()},
        **{f"hp_{name}": value for name, value in parameters.user.items()},
    }
    return {f"SM_{name.upper()}": _value(value) for name, value in variables.items()} | {
        "CURRENT_HOST": host,
        "SAGEMAKER_JOB_NAME": str(parameters.toolkit.get(hps.JOB_NAME, "")),
        "SAGEMAKER_REGION": str(parameters.toolkit.get(hps.REGION, job.region)),
    }


_VARIABLES = {"hyperparameters": "hps", "additional_framework_parameters": "framework_params"}
_ONLY_IN_TRAINING_ENV = (
    "channel_input_dirs",
    "distribution_hosts",
    "is_master",
    "is_modelparallel_enabled",
    "is_smddpmprun_installed",
    "is_smddprun_installed",
    "job_name",
    "master_hostname",
    "topology",
)


def _facts(
    job: ContainerJob, *, host: str, layout: Layout, machine: Machine, parameters: hps.Hyperparameters
) -> dict[str, Any]:
    """What SM_TRAINING_ENV holds; nearly each of it is a variable of its own, too."""
    return (
        _identity(job, host=host, parameters=parameters)
        | _groups(job, host=host, parameters=parameters)
        | _places(job, host=host, layout=layout, parameters=parameters)
        | {
            "additional_framework_parameters": dict(parameters.framework),
            "hyperparameters": dict(parameters.user),
            "input_data_config": config.input_data_config(job, host=host),
            "is_modelparallel_enabled": None,
            "is_smddpmprun_installed": False,
            "is_smddprun_installed": False,
            "log_level": parameters.toolkit.get(hps.LOG_LEVEL, hps.DEFAULT_LOG_LEVEL),
            "num_cpus": machine.cpus,
            "num_gpus": machine.gpus,
            "num_neurons": machine.neurons,
            "resource_config": config.resource_config(job, host=host),
            "topology": [],
        }
    )


def _identity(job: ContainerJob, *, host: str, parameters: hps.Hyperparameters) -> dict[str, Any]:
    program = parameters.toolkit.get(hps.PROGRAM)
    return {
        "current_host": host,
        "current_instance_type": job.cluster.group_of(host).instance_type,
        "hosts": list(job.cluster.hosts),
        "job_name": job.name,
        "module_name": str(program or "").removesuffix(".py"),
        "network_interface_name": job.cluster.network_interface,
        "user_entry_point": program,
    }


def _groups(job: ContainerJob, *, host: str, parameters: hps.Hyperparameters) -> dict[str, Any]:
    current = job.cluster.group_of(host)
    groups = config.resource_config(job, host=host)["instance_groups"]
    distributed = parameters.framework.get(
        hps.DISTRIBUTION_INSTANCE_GROUPS, [current.name] if parameters.distributions else []
    )
    distribution_hosts = [
        each for group in groups if group["instance_group_name"] in distributed for each in group["hosts"]
    ]
    master = (distribution_hosts or list(job.cluster.hosts))[0]
    return {
        "current_instance_group": current.name,
        "current_instance_group_hosts": list(job.cluster.hosts_of(current)),
        "distribution_hosts": distribution_hosts,
        "distribution_instance_groups": distributed,
        "instance_groups": [group["instance_group_name"] for group in groups],
        "instance_groups_dict": {group["instance_group_name"]: group for group in groups},
        "is_hetero": len(groups) > 1,
        "is_master": host == master,
        "master_hostname": master,
    }


def _places(job: ContainerJob, *, host: str, layout: Layout, parameters: hps.Hyperparameters) -> dict[str, Any]:
    return {
        "channel_input_dirs": {channel.name: layout.channel(channel.name) for channel in job.channels_of(host)},
        "input_config_dir": layout.config,
        "input_dir": layout.input,
        "model_dir": layout.model,
        "module_dir": str(parameters.toolkit.get(hps.SUBMIT_DIRECTORY, layout.code)),
        "output_data_dir": layout.output_data,
        "output_dir": layout.output,
        "output_intermediate_dir": layout.output_intermediate,
    }


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
