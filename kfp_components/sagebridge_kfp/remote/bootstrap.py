"""What a job starts: it runs a component's own command, and keeps what that leaves where SageMaker takes it.

This file is brought to the job as it is. It runs on Python 3.9 and newer, and imports nothing but the standard library.
Beside it lie the call, and as much of kfp as runs a component.
"""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

TRAINING = "Training"
EXECUTOR_INPUT = "{{$}}"
IN_RESULT = "sagebridge-result:"
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html (failure)
# https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-metadata.html (message)
# SageMaker writes words of its own around it, and keeps the beginning of 1024 characters.
LONGEST_REASON_BYTES = 950
KEPT_LINES = 400

Json = Any


def main(here: Path) -> int:
    """Run the call that lies in a directory; the exit status of its command."""
    call = json.loads((here / "call.json").read_text(encoding="utf-8"))
    # .../input/data/sagebridge and .../processing/input/sagebridge
    root = here.parents[2]
    results = Path(tempfile.mkdtemp(prefix="sagebridge-"))
    executor_input = placed(call["executor_input"], inputs=here.parent, results=results)
    words = [json.dumps(executor_input) if word == EXECUTOR_INPUT else word for word in call["words"]]
    status, errors = run(words, environment=with_kfp(here))
    if status:
        tell(reason(errors, status), call["job"], root)
        return status
    if is_first(root, call["job"]):
        settle(results)
        keep(results, call["job"], root)
    return 0


def placed(executor_input: Json, *, inputs: Path, results: Path) -> Json:
    """Make the URIs of a call absolute."""
    for entry in (executor_input.get("inputs") or {}).get("artifacts", {}).values():
        for artifact in entry.get("artifacts", []):
            if "://" not in artifact["uri"]:
                artifact["uri"] = str(inputs / artifact["uri"])
    outputs = executor_input["outputs"]
    for entry in outputs.get("artifacts", {}).values():
        for artifact in entry["artifacts"]:
            artifact["uri"] = str(results / artifact["uri"])
    for parameter in outputs.get("parameters", {}).values():
        parameter["outputFile"] = str(results / parameter["outputFile"])
    outputs["outputFile"] = str(results / outputs["outputFile"])
    return executor_input


def with_kfp(here: Path) -> dict[str, str]:
    """The environment of the command; with the kfp that was brought where the image has none."""
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if importlib.util.find_spec("kfp") is None and (here / "kfp.zip").exists():
        folder = tempfile.mkdtemp(prefix="kfp-")
        with zipfile.ZipFile(here / "kfp.zip") as archive:
            archive.extractall(folder)  # noqa: S202 - it is the step's own
        before = [environment["PYTHONPATH"]] if environment.get("PYTHONPATH") else []
        environment["PYTHONPATH"] = os.pathsep.join([*before, folder])
    return environment


def run(words: list[str], *, environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run a command to its end; its exit status, and the last lines of its standard error, which is shown as well."""
    last: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
    with subprocess.Popen(
        words,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        # The command is a shell, which would not pass the signal on.
        signal.signal(signal.SIGTERM, lambda *_: _end(process))
        reader = threading.Thread(target=_show, args=(process.stderr, last), daemon=True)
        reader.start()
        status = process.wait()
        # What the function has left running may hold the stream open for ever.
        reader.join(10)
    return (128 - status if status < 0 else status), list(last)


def _end(process: subprocess.Popen[str]) -> None:
    # It may have ended just now: what it has left is kept then.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


def _show(lines: Any, last: collections.deque[str]) -> None:
    for line in lines:
        last.append(line)
        sys.stderr.write(line)
        sys.stderr.flush()


def reason(errors: list[str], status: int) -> str:
    """Why a command failed, in the space that SageMaker has: the function's own traceback, its end first of all."""
    text = "".join(errors)
    _, found, traceback = text.rpartition("Traceback (most recent call last):\n")
    if not found:
        return cut(text.strip() or f"The component's command ended with status {status}.")
    # The first frames are kfp's.
    own = re.search(r'^  File ".*ephemeral_component\.py"', traceback, re.MULTILINE)
    frames = traceback[own.start() :] if own else traceback
    # The lines that mark a place in the one before have no use where a reason is shown in one line.
    lines = [line for line in frames.splitlines() if line.strip(" ~^")]
    return cut(re.sub(r'File ".*/ephemeral_component\.py"', 'File "component"', "\n".join(lines)).strip())


def cut(text: str) -> str:
    """The end of a text that is too long."""
    content = text.encode()
    if len(content) <= LONGEST_REASON_BYTES:
        return text
    return "..." + content[-LONGEST_REASON_BYTES + 3 :].decode(errors="ignore")


def tell(text: str, job: str, root: Path) -> None:
    """Leave the reason where SageMaker looks for it."""
    file = root / "output" / ("failure" if job == TRAINING else "message")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def is_first(root: Path, job: str) -> bool:
    """Whether this instance is the one whose results count."""
    file = root / ("input/config" if job == TRAINING else "config") / "resourceconfig.json"
    if not file.exists():
        return True
    config = json.loads(file.read_text(encoding="utf-8"))
    return bool(config["current_host"] == min(config["hosts"], key=_numbered))


def _numbered(host: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", host)]


def settle(results: Path) -> None:
    """Make what the executor has told independent of this machine: URIs within the results, no paths elsewhere."""
    file = results / "executor_output.json"
    # A function that has ended its process by itself (sys.exit) has told nothing, which a pod's launcher takes, too.
    told = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for name, entry in (told.get("artifacts") or {}).items():
        for artifact in entry["artifacts"]:
            elsewhere = artifact.pop("custom_path", "")
            if elsewhere:
                artifact["uri"] = str(_moved(Path(elsewhere), results / "artifacts" / name))
            if artifact["uri"].startswith(f"{results}/"):
                artifact["uri"] = IN_RESULT + os.path.relpath(artifact["uri"], results)
    file.write_text(json.dumps(told), encoding="utf-8")


def _moved(source: Path, target: Path) -> Path:
    if source.exists() and source != target:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(source), str(target))
    return target


def keep(results: Path, job: str, root: Path) -> None:
    """Put the results where SageMaker takes them: as they are into the model, or as one archive into the output."""
    if job == TRAINING:
        target = root / "model"
        target.mkdir(parents=True, exist_ok=True)
        for path in results.iterdir():
            shutil.move(str(path), str(target / path.name))
        return
    target = root / "processing" / "output" / "result"
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(target / "result.tar.gz", "w:gz") as archive:
        for path in sorted(results.iterdir()):
            archive.add(path, arcname=path.name)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).absolute().parent))
