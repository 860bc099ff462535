"""Specs of Endpoints in a test's namespace."""

from __future__ import annotations

from typing import Any

KIND, PLURAL = "Endpoint", "sagemakerendpoints"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"


def variant(name: str = "a", **fields: Any) -> dict[str, Any]:
    """A production variant."""
    return {"variantName": name, "modelName": "m", "instanceType": "ml.m5.large", **fields}


def spec(*variants: dict[str, Any], data: str = "1", **fields: Any) -> dict[str, Any]:
    """A small valid spec, whose model's artifact is `data`."""
    model = {"name": "m", "image": IMAGE, "modelDataUrl": f"s3://sagebridge-local/{data}/model.tar.gz"}
    return {"models": [model], "productionVariants": list(variants) or [variant()], **fields}
