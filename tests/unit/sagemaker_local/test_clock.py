"""Clocks and what is due."""

from sagebridge_local.sagemaker.clock import ManualClock, Scheduler, SystemClock


def test_what_is_due_runs_in_order_and_is_told_when_it_was_due():
    scheduler, ran = Scheduler(ManualClock(0.0)), []
    for due in (3.0, 1.0, 2.0, 9.0):
        scheduler.at(due, ran.append)
    scheduler.advance(5)
    assert ran == [1.0, 2.0, 3.0]
    assert scheduler.next_due() == 9.0


def test_what_is_due_at_once_runs_in_the_order_in_which_it_was_added():
    scheduler, ran = Scheduler(ManualClock(0.0)), []
    for name in "abc":
        scheduler.at(1.0, lambda _, name=name: ran.append(name))
    scheduler.advance(1)
    assert ran == ["a", "b", "c"]


def test_what_is_added_meanwhile_runs_too_if_it_is_due():
    scheduler, ran = Scheduler(ManualClock(0.0)), []

    def again(at):
        ran.append(at)
        scheduler.at(at + 2, again)

    scheduler.at(1.0, again)
    scheduler.advance(6)
    assert ran == [1.0, 3.0, 5.0]


def test_what_is_cancelled_does_not_run():
    scheduler, ran = Scheduler(ManualClock(0.0)), []
    timer = scheduler.at(1.0, ran.append)
    timer.cancel()
    assert scheduler.next_due() is None
    scheduler.advance(5)
    assert ran == []


def test_a_listener_hears_of_an_earlier_instant():
    scheduler, heard = Scheduler(ManualClock(0.0)), []
    scheduler.on_change = lambda: heard.append(scheduler.next_due())
    for due in (5.0, 9.0, 2.0):
        scheduler.at(due, lambda _: None)
    assert heard == [5.0, 2.0]


def test_the_system_clock_can_be_advanced():
    clock = SystemClock(read=lambda: 100.0)
    clock.advance(50)
    assert clock.now() == 150.0
