"""The first steps: the local stack, and data in its S3."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Final

from sagebridge_local.demo.context import Context, shown_path
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.report import versions
from sagebridge_local.golang import kubectl as kubectl_program
from sagebridge_local.stack import aws

PRODUCT_POLL_INTERVAL: Final = 10.0
_DATA: Final = f"s3://{aws.BUCKET}/digits"
_PARTS: Final = ("held-out", "train", "validation")


def start(context: Context) -> str:
    """Start control plane, local SageMaker and operator."""
    context.say("Kubernetes is built the first time, which takes about 6 minutes; then it comes from the cache.")
    program = kubectl_program()
    started = time.monotonic()
    with context.screen.waiting("Starting etcd, API server, controller-manager and scheduler ..."):
        context.stack.control_plane.ensure()
    ready = time.monotonic() - started
    with context.screen.waiting("Starting the local SageMaker and the operator ..."):
        context.stack.up()
    everything = time.monotonic() - started
    variables = context.stack.environment()
    path = os.pathsep.join([variables.pop("PATH"), os.environ.get("PATH", os.defpath)])
    context.environment = {**os.environ, **variables, "PATH": path}
    kubernetes = json.loads(context.run(str(program), "version", "--output=json"))["serverVersion"]["gitVersion"]
    interval = context.options.poll_interval
    context.report.facts |= {
        "controlPlaneReadySeconds": round(ready, 2),
        "stackReadySeconds": round(everything, 2),
        "pollIntervalSeconds": interval,
        "versions": versions(kubernetes=kubernetes),
    }
    context.say(f"Kubernetes {kubernetes}, the local SageMaker and the operator run on this machine.")
    context.say(
        f"The operator looks at its jobs every {interval:g} s here, so that you see more of it; "
        f"its default is {PRODUCT_POLL_INTERVAL:g} s."
    )
    return f"Control plane ready after {ready:.1f} s; with SageMaker and operator after {everything:.1f} s"


def write_data(context: Context) -> str:
    """Write the digits to S3, a part of them for no training job to see."""
    held_out = context.workplace.held_out
    command = [context.example("data.py"), _DATA, "--held-out", shown_path(held_out)]
    context.screen.command(["python", *command])
    with context.screen.waiting("Loading scikit-learn's digits ..."):
        said = context.run(sys.executable, *command)
    context.screen.output(said)
    found = context.aws("s3").list_objects_v2(Bucket=aws.BUCKET, Prefix="digits/")
    files = [item["Key"] for item in found.get("Contents", []) if item["Size"]]
    if files != [f"digits/{part}/{part}.csv" for part in _PARTS]:
        raise DemoError(f"{_DATA} should hold {', '.join(_PARTS)}, but holds {files or 'nothing'}.")
    rows = len(held_out.read_text().splitlines())
    context.report.facts["heldOutRows"] = rows
    return f"{len(files)} files in {_DATA}; {rows} digits are held out from training"
