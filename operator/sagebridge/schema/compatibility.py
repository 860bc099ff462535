"""Whether a CRD still takes every object that an older one took.

kopf has no conversion webhooks, so within a version a schema may only loosen: objects that a cluster holds must stay
valid, and no field of theirs may be pruned. `incompatibilities` lists what breaks this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sagebridge.schema.blocks import Schema

# Smaller is stricter for the first, larger is stricter for the second.
_UPPER_BOUNDS = ("maxLength", "maximum", "maxItems", "maxProperties")
_LOWER_BOUNDS = ("minLength", "minimum", "minItems", "minProperties")

# What must stay as it is, because neither direction is known to be a loosening.
_FIXED = ("type", "format", "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys")

_FREE = "x-kubernetes-preserve-unknown-fields"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Incompatibility:
    """One way in which the new schema takes less than the old.

    Attributes:
        path: Where: `v1alpha1 spec.resourceConfig.instanceCount`.
        change: What has changed.
    """

    path: str
    change: str


def incompatibilities(old: Schema, new: Schema) -> list[Incompatibility]:
    """Compare two CustomResourceDefinitions of the same kind.

    Rules in CEL cannot be compared by meaning: every rule that is new or was reworded is listed, unless it sits on a
    field that the old schema does not have.

    Args:
        old: The released one.
        new: The one that would replace it.

    Returns:
        What existing objects could break on, ordered by path; empty when the new one only loosens.
    """
    return sorted({*_name_changes(old["spec"], new["spec"]), *_version_changes(old["spec"], new["spec"])})


def _name_changes(old: Schema, new: Schema) -> Iterator[Incompatibility]:
    for key in ("group", "scope"):
        if old[key] != new[key]:
            yield Incompatibility(path=key, change=f"was {old[key]}, is {new[key]}")
    for key in ("kind", "plural"):
        if old["names"][key] != new["names"][key]:
            yield Incompatibility(path=f"names.{key}", change=f"was {old['names'][key]}, is {new['names'][key]}")


def _version_changes(old: Schema, new: Schema) -> Iterator[Incompatibility]:
    new_versions = {version["name"]: version for version in new["versions"]}
    for version in old["versions"]:
        name = version["name"]
        if name not in new_versions or not new_versions[name]["served"]:
            yield Incompatibility(path=name, change="is no longer served")
            continue
        schemas = [each["schema"]["openAPIV3Schema"] for each in (version, new_versions[name])]
        yield from _schema_changes(schemas[0], schemas[1], name)


def _schema_changes(old: Schema, new: Schema, path: str) -> Iterator[Incompatibility]:
    changes = (*_fixed(old, new), *_bounds(old, new), *_values(old, new), *_required(old, new), *_rules(old, new))
    yield from (Incompatibility(path=path, change=change) for change in changes)
    yield from _nested_changes(old, new, path)


def _fixed(old: Schema, new: Schema) -> Iterator[str]:
    for key in _FIXED:
        given_up = new.get(key) is None and (key != "type" or new.get(_FREE))
        if old.get(key) != new.get(key) and not given_up:
            yield f"{key} was {old.get(key)}, is {new.get(key)}"
    if old.get(_FREE) and not new.get(_FREE):
        yield "no longer takes unknown fields"
    if old.get("nullable") and not new.get("nullable"):
        yield "no longer takes null"
    if new.get("x-kubernetes-list-type") not in {old.get("x-kubernetes-list-type"), None, "atomic"}:
        yield f"x-kubernetes-list-type is {new['x-kubernetes-list-type']}, which refuses duplicates"


def _bounds(old: Schema, new: Schema) -> Iterator[str]:
    for key in _UPPER_BOUNDS:
        if key in new and (key not in old or new[key] < old[key]):
            yield f"{key} was {old.get(key, 'not set')}, is {new[key]}"
    for key in _LOWER_BOUNDS:
        if key in new and (key not in old or new[key] > old[key]):
            yield f"{key} was {old.get(key, 'not set')}, is {new[key]}"


def _values(old: Schema, new: Schema) -> Iterator[str]:
    if "enum" in new:
        if "enum" not in old:
            yield "has an enum now"
        for value in old.get("enum", ()):
            if value not in new["enum"]:
                yield f"no longer takes {value}"
    if new.get("pattern") not in {old.get("pattern"), None}:
        yield f"pattern was {old.get('pattern', 'not set')}, is {new['pattern']}"


def _required(old: Schema, new: Schema) -> Iterator[str]:
    for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
        yield f"{name} is required now"


def _rules(old: Schema, new: Schema) -> Iterator[str]:
    known = {rule["rule"] for rule in old.get("x-kubernetes-validations", ())}
    for rule in new.get("x-kubernetes-validations", ()):
        if rule["rule"] not in known and not _is_about_new_field(rule, old):
            yield f"has a new rule: {rule['rule']}"


def _is_about_new_field(rule: Schema, old: Schema) -> bool:
    """Say whether a rule's `fieldPath` leads to a field that the old schema does not have."""
    place: Any = old
    for name in rule.get("fieldPath", "").split(".")[1:]:
        place = place.get("properties", {}).get(name)
        if place is None:
            return True
    return False


def _nested_changes(old: Schema, new: Schema, path: str) -> Iterator[Incompatibility]:
    for name, field in old.get("properties", {}).items():
        new_field = new.get("properties", {}).get(name)
        if new_field is None:
            if not new.get(_FREE):
                yield Incompatibility(path=_below(path, name), change="was removed")
            continue
        yield from _schema_changes(field, new_field, _below(path, name))
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in old:
            if key in new:
                yield from _schema_changes(old[key], new[key], f"{path}{mark}")
            elif not new.get(_FREE):
                yield Incompatibility(path=path, change=f"has no {key} now")


def _below(path: str, name: str) -> str:
    """A version's own fields come after a blank, those below them after a dot: `v1alpha1 spec.roleArn`."""
    return f"{path}.{name}" if " " in path else f"{path} {name}"
