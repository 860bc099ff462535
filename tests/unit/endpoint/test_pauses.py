"""How long an endpoint waits after what AWS refuses again and again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import AwsError
from support.endpoints import IMAGE, spec, variant
from support.served_endpoints import EndpointBench, ready

TWO_MODELS = {
    **spec(variant(modelName="one"), variant("b", modelName="two")),
    "models": [
        {"name": name, "image": IMAGE, "modelDataUrl": f"s3://sagebridge-local/{name}/model.tar.gz"}
        for name in ("one", "two")
    ],
}


async def test_pauses_grow_though_another_model_is_made_before(bench: EndpointBench) -> None:
    """After a refusal, what was made is made sure of again: that one model is there says nothing about the next."""

    async def refuse_the_second(request: Mapping[str, Any]) -> None:
        if "/two/" in request["PrimaryContainer"]["ModelDataUrl"]:
            raise AwsError(code="ResourceLimitExceeded", message="1 of 1", operation="CreateModel", http_status=400)

    bench.aws.before["CreateModel"] = refuse_the_second
    scores = bench.put(spec=TWO_MODELS)
    pauses = [await bench.reconciler.reconcile(scores) for _ in range(6)]
    assert pauses == [30, 60, 120, 300, 300, 300]
    assert bench.aws.calls.count("CreateModel") == 12, "the first is made sure of in each pass"
    assert ready(scores)["reason"] == "QuotaExceeded"
