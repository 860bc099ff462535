"""What went wrong, in the words of FailureReason."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from botocore.exceptions import NoCredentialsError

from sagebridge.agent.document import DocumentError
from sagebridge.agent.retries import is_disk_full
from sagebridge.core.container.failure import client_error, internal_server_error
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from sagebridge.agent.document import WorkDocument

_logger = logging.getLogger(__name__)


def failure_reason(error: Exception, *, doing: str, document: WorkDocument | None) -> str:
    """FailureReason for what the agent could not do.

    Args:
        error: What happened.
        doing: `download` or `upload`.
        document: The job, when that much is known.
    """
    if isinstance(error, RunFailedError):
        cause = error.__cause__
        if not (isinstance(cause, Exception) and is_disk_full(cause)):
            return _with_account(error, document)
        error = cause
    if is_disk_full(error):
        return client_error(f"Data {doing} failed: no space left on the volume of {_volume(document)}")
    if isinstance(error, OSError):
        return client_error(f"Data {doing} failed: {error}")
    return internal_server_error(f"{type(error).__name__}: {error}")


def _with_account(error: RunFailedError, document: WorkDocument | None) -> str:
    """Where there are no credentials, who has none: its role may be missing, or not be bound to it yet."""
    if not isinstance(error.__cause__, NoCredentialsError):
        return error.reason
    account = document.acts_as if document else "pod's service account"
    return f"{error.reason}: the {account} has no role, or its role did not reach the pod"


def tell(error: Exception) -> None:
    """Log what nobody has foreseen, with all that helps to find its cause."""
    if not isinstance(error, RunFailedError | OSError | DocumentError):
        _logger.error("The agent itself failed", exc_info=error)


def _volume(document: WorkDocument | None) -> str:
    size = document.volume_size if document else None
    return f"{size} GB: give the job a larger volumeSizeInGB" if size else "the job: give it a larger volumeSizeInGB"
