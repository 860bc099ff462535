"""One request at a time, and what becomes of one that is given up."""

import socket
import threading

import pytest
from sagebridge_local.serving.toolkit.turns import ABANDONED_SECONDS, Turns


class EndedError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def turns(clock):
    def give_up():
        raise EndedError

    return Turns(give_up=give_up, clock=lambda: clock[0])


@pytest.fixture
def connection():
    ours, theirs = socket.socketpair()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("reason", "is_gone", "seconds", "want"),
    [
        ("a client that waits may wait long", False, 3600, False),
        ("one that has just left: its request may be about to end", True, ABANDONED_SECONDS - 0.1, False),
        ("nobody waits, and it goes on", True, ABANDONED_SECONDS, True),
    ],
)
def test_only_what_nobody_waits_for_is_given_up(turns, clock, connection, reason, is_gone, seconds, want):
    ours, theirs = connection
    with turns.take(ours):
        if is_gone:
            theirs.close()
        clock[0] += seconds
        if want:
            with pytest.raises(EndedError):
                turns.check()
        else:
            turns.check()


def test_more_that_the_client_has_sent_is_no_end(turns, clock, connection):
    ours, theirs = connection
    theirs.send(b"POST")
    with turns.take(ours):
        clock[0] += 60
        turns.check()
    assert ours.recv(4) == b"POST"


def test_who_waits_for_the_turn_looks_after_the_one_who_has_it(turns, clock, connection):
    ours, theirs = connection
    found = []

    def wait():
        with pytest.raises(EndedError) as raised, turns.take(ours):
            pass
        found.append(raised.type)

    with turns.take(ours):
        theirs.close()
        clock[0] += 60
        waiting = threading.Thread(target=wait)
        waiting.start()
        waiting.join()
    assert found == [EndedError]


def test_a_turn_that_is_over_is_nobodys(turns, clock, connection):
    ours, theirs = connection
    with pytest.raises(ZeroDivisionError), turns.take(ours):
        raise ZeroDivisionError
    theirs.close()
    clock[0] += 60
    turns.check()
    with turns.take(ours):
        pass
