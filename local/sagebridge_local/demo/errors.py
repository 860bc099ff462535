"""What ends the demo."""


class DemoError(Exception):
    """Something did not work; the message says what, in words for the person who watches."""
