"""The step of A/B: two models behind one endpoint, and weights that decide who answers."""

from __future__ import annotations

import json
from typing import Any, Final

from sagebridge.core.job import Job

from sagebridge_local.demo import scoring, serving, traffic, traffic_display, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.invoker import Invoker, Stream
from sagebridge_local.demo.screen import Stage
from sagebridge_local.demo.traffic import Answer

_INVOCATIONS: Final = 300
_SHIFT: Final = 4
"""The weight that the first variant is given; the other one keeps its own."""


def compare(context: Context) -> str:
    """Put both models behind the endpoint, count who answers, change the weights alone, and count again."""
    endpoint = context.object(serving.RESOURCE, serving.NAME)
    with (
        Stream(serving.invoker(context, endpoint), pause=serving.PAUSE) as stream,
        context.screen.job(serving.NAME) as display,
    ):
        context.apply("endpoint-ab.yaml")
        endpoint = serving.settle(context, show=lambda found: display.show(Stage.of(found)), idle=lambda: None)
    serving.count(context, stream.answers)
    _check_models(context, stream.answers)
    invoker = serving.invoker(context, endpoint)
    first = _measure(context, endpoint, invoker)
    config, updates = endpoint.status["endpointConfigName"], context.admin.count("UpdateEndpoint")
    endpoint = _change_weights(context)
    verdicts.check_same_config(endpoint, config=config, updates=context.admin.count("UpdateEndpoint") - updates)
    changes = context.admin.count("UpdateEndpointWeightsAndCapacities")
    verdicts.check_calls(changes, wanted=1, operation="UpdateEndpointWeightsAndCapacities")
    second = _measure(context, endpoint, invoker)
    context.report.facts["weights"] = {"invocationsDuringUpdate": len(stream.answers), "splits": [first, second]}
    told = "; ".join(_told(split) for split in (first, second))
    return f"{told}; the weights were changed without a deployment, and no invocation failed"


def _change_weights(context: Context) -> Job:
    path = "/spec/productionVariants/0/initialVariantWeight"
    patch = json.dumps([{"op": "replace", "path": path, "value": _SHIFT}])
    context.kubectl("patch", serving.RESOURCE, serving.NAME, "--type=json", f"--patch={patch}")
    with context.screen.job(serving.NAME) as display:
        return serving.settle(context, show=lambda found: display.show(Stage.of(found)), idle=lambda: None)


def _measure(context: Context, endpoint: Job, invoker: Invoker) -> dict[str, Any]:
    """Invoke, and say who has answered how often and how well."""
    weights = {
        variant["variantName"]: variant["initialVariantWeight"] for variant in endpoint.spec["productionVariants"]
    }
    verdicts.check_weights(endpoint, wanted=weights)
    first, second = weights
    answers: list[Answer] = []
    with traffic_display.shown(context.screen, names=(first, second), by=_variant) as show:
        for _ in range(_INVOCATIONS):
            answers.append(invoker.one_row())
            show(answers, state="")
    serving.count(context, answers)
    _check_models(context, answers)
    traffic.check_split(answers, by=_variant, wanted=weights)
    shares = traffic.shares(answers, _variant)
    accuracies = {name: traffic.score([one for one in answers if one.variant == name]).accuracy for name in weights}
    return {
        "invocations": len(answers),
        "weights": weights,
        "shares": {name: round(share, 4) for name, share in shares.items()},
        "accuracies": {name: round(accuracy, 6) for name, accuracy in accuracies.items()},
    }


def _check_models(context: Context, answers: list[Answer]) -> None:
    """Pass answers that all came, each from the model of the variant that has answered."""
    traffic.check_faultless(answers)
    workplace = context.workplace
    expected = {
        "tuned": scoring.predicted(workplace.predictions),
        "trained": scoring.read(workplace.model / scoring.MODEL_FILE, held_out=workplace.held_out),
    }
    for variant, digits in expected.items():
        own = [answer for answer in answers if answer.variant == variant]
        traffic.check_digits(own, expected=digits, of=f"the variant {variant}")


def _told(split: dict[str, Any]) -> str:
    weights = ":".join(f"{weight:g}" for weight in split["weights"].values())
    shares = ", ".join(f"{name} {split['shares'][name]:.0%}" for name in split["weights"])
    return f"weights {weights}: {shares} of {split['invocations']}"


def _variant(answer: Answer) -> str:
    return answer.variant
