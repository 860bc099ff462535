"""Serving for real: processes that speak GET /ping and POST /invocations, for endpoints and batch transform."""

from sagebridge_local.serving.container import Workplace
from sagebridge_local.serving.records import Invocation, ModelData, ServingContainer, ServingError, containers_of
from sagebridge_local.serving.server import ModelServer

__all__ = ["Invocation", "ModelData", "ModelServer", "ServingContainer", "ServingError", "Workplace", "containers_of"]
