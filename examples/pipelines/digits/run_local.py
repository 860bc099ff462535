"""Runs the pipeline on this machine, before `sagebridge local`, without Kubeflow Pipelines.

    python run_local.py s3://sagebridge-local/code/.../sourcedir.tar.gz

The steps are processes of this Python; with SAGEBRIDGE_KFP_RUNNER=docker they are containers of the steps' image.
"""

import argparse

from pipeline import pipeline
from sagebridge_kfp import local


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the pipeline of the digits on this machine.")
    parser.add_argument("source", help="the code, as `sagebridge source push` has told it")
    parser.add_argument("--trials", type=int, default=4, help="how many the search has")
    options = parser.parse_args()
    local.init()
    pipeline(gated=False)(source=options.source, trials=options.trials)


if __name__ == "__main__":
    main()
