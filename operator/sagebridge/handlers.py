"""Thin kopf handlers, registered once per kind: they hand on what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from sagebridge.engine.engine import Engine
from sagebridge.engine.tenants import Tenants
from sagebridge.kube.paths import NAMESPACES, TENANT_POLICIES, Resource

Body = Mapping[str, Any]
_DELETED = "DELETED"


def register_kind(registry: kopf.OperatorRegistry, *, kind: str, resource: Resource, engine: Engine) -> None:
    """Serve one kind."""
    selector = (resource.group, resource.version, resource.plural)

    @kopf.on.event(*selector, registry=registry, id=f"{resource.plural}-event")
    async def on_event(event: Body, **_: Any) -> None:
        body = event["object"]
        if event.get("type") == _DELETED:
            engine.object_gone(body["metadata"]["uid"])
        else:
            engine.object_seen(kind, body)


def register_tenancy(registry: kopf.OperatorRegistry, *, tenants: Tenants, changed: Callable[[], None]) -> None:
    """Follow tenant policies and namespaces' labels."""

    @kopf.on.event(TENANT_POLICIES.group, TENANT_POLICIES.version, TENANT_POLICIES.plural, registry=registry)
    async def on_policy(event: Body, **_: Any) -> None:
        body = event["object"]
        is_gone = event.get("type") == _DELETED
        if tenants.remove_policy(body["metadata"]["name"]) if is_gone else tenants.put_policy(body):
            changed()

    @kopf.on.event(NAMESPACES.version, NAMESPACES.plural, registry=registry)
    async def on_namespace(event: Body, **_: Any) -> None:
        body = event["object"]
        if event.get("type") == _DELETED:
            tenants.remove_namespace(body["metadata"]["name"])
        elif tenants.put_namespace(body):
            changed()
