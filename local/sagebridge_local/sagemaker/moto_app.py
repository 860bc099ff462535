"""Every other AWS service: moto, as an ASGI application that is loaded at its first request."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]

THREADS: Final = 16


class MotoApp:
    """moto's WSGI application in a pool of threads.

    Args:
        on_load: called once it is loaded, in another thread.
    """

    def __init__(self, *, on_load: Callable[[], None]) -> None:
        self._on_load = on_load
        self._app: AsgiApp | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        app = self._app or await self._loaded()
        await app(scope, receive, send)

    async def _loaded(self) -> AsgiApp:
        async with self._loading:
            if self._app is None:
                self._app = await asyncio.to_thread(self._load)
            return self._app

    def _load(self) -> AsgiApp:
        app = _load()
        self._on_load()
        return app


def _scale_provisioned_concurrency() -> None:
    """Have moto take the dimension of serverless variants, which is none of those it knows.

    Source: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    from moto.applicationautoscaling import models, responses

    known = {dimension.name: dimension.value for dimension in models.ScalableDimensionValueSet}
    known["SAGEMAKER_VARIANT_DESIRED_PROVISIONED_CONCURRENCY"] = "sagemaker:variant:DesiredProvisionedConcurrency"
    extended = Enum("ScalableDimensionValueSet", known)  # type: ignore[misc]
    for module in (models, responses):
        vars(module)["ScalableDimensionValueSet"] = extended


def _load() -> AsgiApp:
    """Import moto, which takes about a second."""
    from a2wsgi import WSGIMiddleware
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    _scale_provisioned_concurrency()
    dispatcher = DomainDispatcherApplication(create_backend_app)

    def with_raw_path(environ: Any, start_response: Any) -> Any:
        # moto matches S3 keys against the path as it was sent: an encoded slash must stay encoded.
        scope = environ["asgi.scope"]
        query = scope["query_string"].decode("latin-1")
        environ["RAW_URI"] = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        environ["REQUEST_URI"] = environ["RAW_URI"]
        return dispatcher(environ, start_response)

    app: AsgiApp = WSGIMiddleware(with_raw_path, workers=THREADS)
    return app
