"""Why a run ends before its time."""

from __future__ import annotations

from sagebridge.core.container.failure import algorithm_error, client_error


class RunFailedError(Exception):
    """The run fails, with the FailureReason that Describe will show.

    Attributes:
        reason: FailureReason, at most 1,024 characters.
        exit_code: Exit code of the container that decided it, None when none did.
        is_transient: Whether the same may work a little later.
        is_final: Whether the same will never work, whatever anybody does meanwhile.
    """

    def __init__(
        self, reason: str, *, exit_code: int | None = None, is_transient: bool = False, is_final: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.exit_code = exit_code
        self.is_transient = is_transient
        self.is_final = is_final

    @classmethod
    def client(cls, message: str, *, is_transient: bool = False, is_final: bool = False) -> RunFailedError:
        """The fault is in the request: its data, its image, its permissions."""
        return cls(client_error(message), is_transient=is_transient, is_final=is_final)

    @classmethod
    def algorithm(cls, message: str, *, exit_code: int = 1, is_transient: bool = False) -> RunFailedError:
        """The fault is in what runs in the container."""
        return cls(algorithm_error(message, exit_code=exit_code), exit_code=exit_code, is_transient=is_transient)


class TransferCancelledError(Exception):
    """A transfer saw, in its thread, that nobody wants its result any more."""
