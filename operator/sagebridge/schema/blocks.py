"""Short ways to write schemas by hand, for the fields that do not come from AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

Schema = dict[str, Any]

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"


def text(description: str, *, pattern: str = "", longest: int = 256, shortest: int = 0) -> Schema:
    """A string."""
    schema: Schema = {"description": description, "type": "string", "maxLength": longest}
    if shortest:
        schema["minLength"] = shortest
    return schema | {"pattern": pattern} if pattern else schema


def choice(description: str, values: Sequence[str]) -> Schema:
    """A string out of a few."""
    return {"description": description, "type": "string", "enum": list(values)}


def object_name(description: str) -> Schema:
    """The name of a Kubernetes object."""
    return text(description, pattern=_DNS_SUBDOMAIN, longest=253, shortest=1)


def flag(description: str) -> Schema:
    """A boolean."""
    return {"description": description, "type": "boolean"}


def whole_number(description: str, *, least: int = 0, most: int | None = None) -> Schema:
    """A 32-bit integer."""
    schema: Schema = {"description": description, "type": "integer", "format": "int32", "minimum": least}
    return schema if most is None else schema | {"maximum": most}


def list_of(items: Schema, description: str, *, most: int, least: int = 0, key: str = "") -> Schema:
    """A list; with a key, server-side apply merges its items by that field, which must be unique."""
    schema: Schema = {"description": description, "type": "array", "items": items, "maxItems": most}
    if least:
        schema["minItems"] = least
    if not key:
        return schema | {"x-kubernetes-list-type": "atomic"}
    return schema | {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def set_of(items: Schema, description: str, *, most: int, least: int = 0) -> Schema:
    """A list of unique strings."""
    return list_of(items, description, most=most, least=least) | {"x-kubernetes-list-type": "set"}


def map_of(values: Schema, description: str, *, most: int = 50) -> Schema:
    """A map with free keys."""
    return {"description": description, "type": "object", "additionalProperties": values, "maxProperties": most}


def structure(properties: dict[str, Schema], description: str, *, required: Sequence[str] = ()) -> Schema:
    """An object with named fields."""
    schema: Schema = {"description": description, "type": "object", "properties": properties}
    return schema | {"required": sorted(required)} if required else schema


def anything(description: str) -> Schema:
    """An object whose fields the API server does not check."""
    return {"description": description, "type": "object", "x-kubernetes-preserve-unknown-fields": True}
