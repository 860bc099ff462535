"""Runs the demo's steps, tells what came of them, and cleans up in any case."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge_local.demo.context import Context, Options
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.report import Report, Result, Step
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.steps import STEPS
from sagebridge_local.demo.workplace import NAME, Workplace, orderly_end, pass_over_signals
from sagebridge_local.golang import BuildError
from sagebridge_local.sagemaker.admin import AdminError
from sagebridge_local.stack import LocalStack, StackError
from sagebridge_local.stack.ports import is_free

EXIT_CODES: Final = {Result.PASSED: 0, Result.FAILED: 1, Result.INTERRUPTED: 130}
_EXPECTED: Final = (DemoError, StackError, BuildError, AdminError, BotoCoreError, ClientError, OSError)


def run(*, options: Options, workplace: Workplace, screen: Screen) -> int:
    """Run the demo and return the process's exit code: 0 only if every step has worked.

    Raises:
        DemoError: The work folder can't be used.
    """
    with orderly_end(), workplace.occupied():
        report = Report()
        stack = LocalStack(workplace.stack, name=NAME)
        context = Context(options=options, workplace=workplace, stack=stack, screen=screen, report=report)
        try:
            _take_steps(context)
            if report.steps[-1].result is not Result.PASSED:
                _explain(report.steps[-1], workplace=workplace, screen=screen)
            screen.say("\nEnding what was started ...")
        finally:
            pass_over_signals()
            report.steps.append(_timed("Clean up", lambda: _clean_up(stack, workplace=workplace)))
            report.write(workplace.report)
        _conclude(report, workplace=workplace, screen=screen)
        return EXIT_CODES[report.result]


def _take_steps(context: Context) -> None:
    """Take step after step until one does not work."""
    for number, (title, action) in enumerate(STEPS, start=1):
        context.screen.step(number, of=len(STEPS), title=title)
        step = _timed(title, partial(action, context))
        context.report.steps.append(step)
        if step.result is not Result.PASSED:
            return
        context.screen.say(f"ok: {step.detail} ({step.seconds:.1f} s)", style="green")
    context.report.finished = True


def _timed(title: str, action: Callable[[], str]) -> Step:
    started = time.monotonic()
    try:
        detail, result = action(), Result.PASSED
    except KeyboardInterrupt as error:
        detail, result = f"ended by {error or 'SIGINT'}", Result.INTERRUPTED
    except _EXPECTED as error:
        detail, result = str(error) or type(error).__name__, Result.FAILED
    return Step(title=title, result=result, detail=detail, seconds=time.monotonic() - started)


def _explain(step: Step, *, workplace: Workplace, screen: Screen) -> None:
    screen.failure(step)
    if step.result is Result.FAILED:
        for component in ("operator", "sagemaker"):
            screen.log_tail(workplace.stack / "logs" / f"{component}.log")


def _clean_up(stack: LocalStack, *, workplace: Workplace) -> str:
    """End all processes, and see that none is left and no port is taken."""
    ports = stack.ports()
    ended = stack.down()
    shutil.rmtree(workplace.kubectl_cache, ignore_errors=True)
    taken = [port for port in ports if not is_free(port)]
    if taken:
        raise DemoError(f"The ports {taken} are still taken.")
    return f"{len(ended)} processes ended, {len(ports)} ports free again"


def _conclude(report: Report, *, workplace: Workplace, screen: Screen) -> None:
    screen.summary(report)
    screen.say()
    screen.say(f"Report: {workplace.report}")
    screen.say(f"Logs:   {workplace.stack / 'logs'}")
    if report.result is Result.PASSED:
        screen.say("It works.", style="bold green")
