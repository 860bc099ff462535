"""The steps of what goes wrong: a manifest that is refused, and a script that fails."""

from __future__ import annotations

from typing import Final

from sagebridge_local.demo import verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.jobs import run_job

FAILING: Final = "digits-failing"
_BAD: Final = "digits-bad"
_WHAT_IS_BAD: Final = ("trainingInputMode", "FastFile", "maxRuntimeInSeconds", "greater than or equal to 1")
_WHY_IT_FAILS: Final = ("AlgorithmError", "the column 'label' is not in the training data")


def apply_bad_manifest(context: Context) -> str:
    """Apply a manifest with mistakes, and see it refused."""
    command = ["kubectl", "apply", "--filename", context.example("bad.yaml")]
    context.screen.command(command)
    asked = context.admin.count("CreateTrainingJob")
    answer = context.attempt(*command)
    context.screen.output(answer.stdout + answer.stderr)
    refused = verdicts.check_refused(answer.stderr if answer.returncode else None, words=_WHAT_IS_BAD)
    context.report.facts["refusal"] = refused.strip()
    if context.attempt("kubectl", "get", "trainingjob", _BAD).returncode == 0:
        raise DemoError("The bad manifest was refused, and yet its object is there.")
    jobs = [job["name"] for job in context.admin.jobs()]
    verdicts.check_no_job(_BAD, jobs=jobs, creates=context.admin.count("CreateTrainingJob") - asked)
    return "Refused by the API server, which names both mistakes; SageMaker was not asked"


def run_failing_script(context: Context) -> str:
    """Run a script that fails, and see it told."""
    context.make_code("failing-code", "failing.py")
    job, _ = run_job(context, kind="TrainingJob", name=FAILING, manifest="failing.yaml")
    reason = verdicts.check_failed(job, words=_WHY_IT_FAILS)
    context.say("The script's own words, in status.failureReason:")
    context.screen.output(reason)
    told = next(line.strip() for line in reversed(reason.splitlines()) if _WHY_IT_FAILS[1] in line)
    return f"Failed, as it should, after {job.status.get('duration')}: {told}"
