"""From replies to the output object, and what data capture writes of it: pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformOutput.html (.out, AssembleWith)
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-batch.html (manifests by the hour)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

OUTPUT_SUFFIX: Final = ".out"


def output_name(path: str) -> str:
    """The name of an input's output, both relative to their prefixes."""
    return f"{path}{OUTPUT_SUFFIX}"


def assemble(replies: Iterable[bytes], *, with_lines: bool) -> bytes:
    """One object of all replies, in order; with AssembleWith Line each ends with exactly one newline."""
    if not with_lines:
        return b"".join(replies)
    return b"".join(reply.removesuffix(b"\n").removesuffix(b"\r") + b"\n" for reply in replies)


def capture_key(*, side: str, job_name: str, at: datetime) -> str:
    """Where a manifest of captured data lies below the destination; `side` is input or output, `at` is in UTC."""
    return f"{side}/{at:%Y/%m/%d/%H}/{job_name}.jsonl"


def capture_manifest(prefix: str, names: Sequence[str]) -> bytes:
    """The manifest: where the data lies, instead of another copy of it."""
    return json.dumps([{"prefix": prefix}, *names]).encode()
