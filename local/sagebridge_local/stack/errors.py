"""Errors of the local stack, in words a user can act on."""


class StackError(Exception):
    """A part of the local stack could not be started, used or stopped; the message says what to do."""


class NotReadyError(StackError):
    """A component ended, or did not become ready in time.

    Attributes:
        component: Its name.
        port_taken: Another process took its port between choosing and using it, so another try makes sense.
    """

    def __init__(self, message: str, *, component: str, port_taken: bool = False) -> None:
        super().__init__(message)
        self.component = component
        self.port_taken = port_taken


class KubectlError(StackError):
    """kubectl refused or failed; the message is what it wrote to standard error.

    Attributes:
        output: What it printed all the same.
    """

    def __init__(self, message: str, *, output: str = "") -> None:
        super().__init__(message)
        self.output = output
