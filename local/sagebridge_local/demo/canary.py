"""The step that updates the endpoint by canary, while it is invoked all the time."""

from __future__ import annotations

from typing import Any, Final

from sagebridge.core.job import Job

from sagebridge_local.demo import scoring, serving, traffic, traffic_display, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.invoker import Stream
from sagebridge_local.demo.traffic import Answer

_AROUND: Final = 50
"""Invocations before and after the update, all of which must go to the old and the new version."""
_SECONDS: Final = 60.0


def update(context: Context) -> str:
    """Update by canary; no invocation may fail, and the traffic has to shift as the manifest says."""
    endpoint = context.object(serving.RESOURCE, serving.NAME)
    updates = context.admin.count("UpdateEndpoint")
    states = [serving.state_of(endpoint)]
    stream = Stream(serving.invoker(context, endpoint), pause=serving.PAUSE)
    with stream, traffic_display.shown(context.screen, names=("old", "new"), by=_version) as show:
        stream.wait_for(_AROUND, timeout=_SECONDS)
        show(stream.answers, state=states[-1])
        before = len(stream.answers)
        context.apply("endpoint-canary.yaml")

        def look(found: Job) -> None:
            states.append(serving.state_of(found))

        endpoint = serving.settle(context, show=look, idle=lambda: show(stream.answers, state=states[-1]))
        stream.wait_for(_AROUND, timeout=_SECONDS)
        show(stream.answers, state=states[-1])
    answers = stream.answers
    serving.count(context, answers)
    traffic.check_faultless(answers)
    traffic.check_digits(answers, expected=scoring.predicted(context.workplace.predictions), of="the endpoint")
    share = _canary_share(endpoint)
    mixed = _check_shift(answers, before=before, share=share)
    verdicts.check_calls(context.admin.count("UpdateEndpoint") - updates, wanted=1, operation="UpdateEndpoint")
    found = traffic.shares(mixed, _version)["new"]
    seconds = mixed[-1].begun - mixed[0].begun
    context.report.facts["canary"] = {
        "invocations": len(answers),
        "failed": sum(bool(answer.error) for answer in answers),
        "accuracy": round(traffic.score(answers).accuracy, 6),
        "wantedShare": share,
        "share": round(found, 4),
        "shareInvocations": len(mixed),
        "shareSeconds": round(seconds, 2),
        "milliseconds": round(traffic.milliseconds(answers), 2),
    }
    return (
        f"{len(answers)} invocations during the update, none failed; the new version got {found:.0%} for "
        f"{seconds:.1f} s (wanted: {share:.0%}), then all"
    )


def _version(answer: Answer) -> str:
    return answer.version


def _canary_share(endpoint: Job) -> float:
    """What the manifest gives to the canary, from 0 to 1."""
    policy: dict[str, Any] = endpoint.spec["deploymentConfig"]["blueGreenUpdatePolicy"]
    return float(policy["trafficRoutingConfiguration"]["canarySize"]["value"]) / 100.0


def _check_shift(answers: list[Answer], *, before: int, share: float) -> list[Answer]:
    """The answers of the time in which both versions did answer, if all is as it should be."""
    traffic.check_split(answers[:before], by=_version, wanted={"old": 1.0})
    traffic.check_split(answers[-_AROUND:], by=_version, wanted={"new": 1.0})
    mixed = list(traffic.while_mixed(answers))
    traffic.check_split(mixed, by=_version, wanted={"new": share, "old": 1.0 - share})
    return mixed
