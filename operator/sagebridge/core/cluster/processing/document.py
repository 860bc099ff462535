"""job.json: all that the agent of a processing job has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.core.cluster.document import text_of

if TYPE_CHECKING:
    from sagebridge.core.cluster.processing.job import ProcessingWork


def document(job: ProcessingWork) -> str:
    """The text of job.json for one attempt; the same for all its hosts."""
    return text_of(job, {"syncSeconds": job.settings.checkpoint_sync_seconds})
