"""The step that deploys the best model, and what the steps of the Endpoint share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sagebridge.core.conditions import READY, find
from sagebridge.core.job import Job

from sagebridge_local.demo import scoring, traffic, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.follow import Watch, follow, is_settled
from sagebridge_local.demo.invoker import Invoker
from sagebridge_local.demo.screen import Stage
from sagebridge_local.demo.traffic import Answer

NAME: Final = "digits"
RESOURCE: Final = "smep"
PAUSE: Final = 0.01
"""Seconds between two invocations of a stream."""
_AT_ONCE: Final = 20
_SECONDS: Final = 30


def deploy(context: Context) -> str:
    """Deploy the best model, let it read the held-out digits through the AWS SDK, and compare with batch transform."""
    context.apply("endpoint.yaml")
    with context.screen.job(NAME) as display:
        endpoint = settle(context, show=lambda found: display.show(Stage.of(found)), idle=lambda: None)
    context.kubectl("get", RESOURCE, NAME)
    name = str(endpoint.status["endpointName"])
    call = f'invoke_endpoint(EndpointName="{name}", ContentType="text/csv", Body=…)'
    context.screen.verbatim(f'>>> boto3.client("sagemaker-runtime").{call}', style="cyan")
    answers = invoker(context, endpoint).all_rows(at_once=_AT_ONCE)
    count(context, answers)
    traffic.check_faultless(answers)
    score = traffic.score(answers)
    verdicts.check_accuracy(score)
    traffic.check_digits(answers, expected=scoring.predicted(context.workplace.predictions), of="the endpoint")
    context.report.facts["endpoint"] = {
        "name": name,
        "rows": score.rows,
        "accuracy": round(score.accuracy, 6),
        "milliseconds": round(traffic.milliseconds(answers), 2),
    }
    return (
        f"{score.rows} digits in {len(answers)} invocations, {traffic.milliseconds(answers):.0f} ms each: accuracy "
        f"{score.accuracy:.4f}, digit for digit what the batch transform said"
    )


def settle(context: Context, *, show: Callable[[Job], None], idle: Callable[[], None]) -> Job:
    """Follow the endpoint until it serves what its spec says.

    Raises:
        DemoError: It does not come to that.
    """
    watching = ["kubectl", "get", RESOURCE, NAME, "--watch", "--output=json"]

    def look() -> None:
        idle()
        context.check_alive()

    with Watch(watching, environment=context.environment) as watch:
        endpoint = follow(watch, show=show, done=is_settled, idle=look, timeout=context.options.timeout)
    verdicts.check_serving(endpoint)
    return endpoint


def invoker(context: Context, endpoint: Job) -> Invoker:
    """What invokes the endpoint; a request that fails is not sent again."""
    client = context.aws(
        "sagemaker-runtime", retries={"total_max_attempts": 1}, connect_timeout=_SECONDS, read_timeout=_SECONDS
    )
    name = str(endpoint.status["endpointName"])
    return Invoker(client, endpoint=name, held_out=context.workplace.held_out)


def count(context: Context, answers: list[Answer]) -> None:
    """Add to the number of invocations that the demo has sent."""
    facts = context.report.facts
    facts["invocations"] = facts.get("invocations", 0) + len(answers)


def state_of(endpoint: Job) -> str:
    """Where the endpoint stands, in one word."""
    return str((find(endpoint.conditions, READY) or {}).get("reason", ""))
