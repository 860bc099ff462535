"""Runs a compiled pipeline on this machine: each step is a process, and what it makes is in the cluster of KUBECONFIG.

python run.py script-mode.yaml bucket=s3://sagebridge-local
"""

import argparse

from kfp import components, local


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a compiled pipeline on this machine.")
    parser.add_argument("file", help="the compiled pipeline")
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="its parameters")
    options = parser.parse_args()
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root="pipeline-outputs")
    pipeline = components.load_component_from_file(options.file)
    run = pipeline(**dict(each.split("=", 1) for each in options.arguments))
    print(f"The endpoint is {run.outputs['Output']}")


if __name__ == "__main__":
    main()
