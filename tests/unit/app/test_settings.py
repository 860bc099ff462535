"""What the settings are when nobody sets them."""

import socket

from sagebridge.settings import Settings


def test_two_operators_on_one_host_do_not_take_each_other_for_themselves() -> None:
    first, second = Settings().lease_identity, Settings().lease_identity
    assert first != second
    assert first.startswith(socket.gethostname())
