"""kubectl, as the local stack runs it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sagebridge_local.golang import kubectl as kubectl_program
from sagebridge_local.stack.errors import KubectlError


def run_kubectl(*arguments: str, kubeconfig: Path, stdin: str | None = None) -> str:
    """Run kubectl with a kubeconfig and return what it prints.

    Raises:
        KubectlError: It failed; the message is what it wrote to standard error.
    """
    result = subprocess.run(
        [kubectl_program(), *arguments],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        message = result.stderr.strip() or f"kubectl {' '.join(arguments)} failed ({result.returncode})"
        raise KubectlError(message, output=result.stdout)
    return result.stdout
