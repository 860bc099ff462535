"""The contract of a container, against goldens.

The SM_* values of the script-mode cases were compared with those of sagemaker-training 5.1.1's own `Environment`, given
the same three files. `python tests/unit/container/test_contract.py` writes the goldens anew.
"""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from sagebridge.core.container import config, environment, hyperparameters
from sagebridge.core.container.job import Machine, container_job
from sagebridge.core.container.layout import Layout

_HERE = Path(__file__).parent


def _cases() -> Any:
    spec = importlib.util.spec_from_file_location("container_cases", _HERE / "cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


CASES = _cases()


def contract(request: dict[str, Any], host: str, *, layout: Layout) -> dict[str, Any]:
    job = container_job(request, arn="arn:aws:sagemaker:us-west-2:123456789012:training-job/job-1", region="us-west-2")
    machine = Machine(cpus=4, gpus=1)
    script = environment.script_environment(
        job, host=host, layout=layout, machine=machine, framework_module="sagemaker_pytorch_container.training:main"
    )
    return {
        "files": config.config_files(job, host=host, layout=layout),
        "container": environment.container_environment(job, layout=layout),
        "script": dict(sorted(script.items())),
        "arguments": hyperparameters.arguments(hyperparameters.read(job.hyperparameters).user),
    }


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    want = json.loads((_HERE / "golden" / f"{name}.json").read_text())
    request, host = CASES[name]
    assert contract(request, host, layout=Layout()) == want


@pytest.mark.parametrize("name", CASES)
def test_another_place_changes_paths_only(name: str) -> None:
    request, host = CASES[name]
    elsewhere = json.dumps(contract(request, host, layout=Layout(base="/somewhere/ml")))
    # Arguments are made from the request here, as they are in a real container.
    arguments = json.dumps(contract(request, host, layout=Layout())["arguments"])
    there = json.dumps(contract(request, host, layout=Layout())).replace("/opt/ml", "/somewhere/ml")
    assert elsewhere.replace(arguments, "") == there.replace(arguments.replace("/opt/ml", "/somewhere/ml"), "")


def main() -> None:
    (_HERE / "golden").mkdir(exist_ok=True)
    for name, (request, host) in CASES.items():
        text = json.dumps(contract(request, host, layout=Layout()), indent=2)
        (_HERE / "golden" / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
