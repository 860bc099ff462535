"""A kind's declaration as a CustomResourceDefinition."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from sagebridge.schema.kind import CATEGORY, GROUP, VERSION, KindSchema
from sagebridge.schema.openapi import request_schema
from sagebridge.schema.status import status_schema

if TYPE_CHECKING:
    from sagebridge.schema.blocks import Schema
    from sagebridge.schema.kind import Column

__all__ = ["MAX_BYTES", "KindSchema", "crd", "spec_schema"]

# A larger CRD breaks client-side `kubectl apply`, which keeps a copy in an annotation.
MAX_BYTES = 262_144

_HAS_ATTEMPTS = "has(oldSelf.status) && has(oldSelf.status.attempts) && size(oldSelf.status.attempts) > 0"


def crd(kind: KindSchema) -> Schema:
    """Build the CustomResourceDefinition of a kind.

    Args:
        kind: The declaration.

    Returns:
        An `apiextensions.k8s.io/v1` CustomResourceDefinition, ready for YAML.

    Raises:
        UnknownOperationError: The installed botocore does not know an operation of the kind.
        ValueError: The declaration names fields that the operation does not have.
    """
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name, "labels": {"app.kubernetes.io/name": "sagebridge"}},
        "spec": {
            "group": GROUP,
            "names": _names(kind),
            "scope": kind.scope,
            "versions": [_version(kind)],
        },
    }


def spec_schema(kind: KindSchema) -> Schema:
    """Build the schema of a kind's `spec`, rules included but for the one on immutability."""
    schema: Schema = {"description": "What is wanted.", "type": "object", "properties": {}}
    if kind.operation:
        schema |= request_schema(kind.operation, optional=kind.optional_fields)
        for name in kind.omitted_fields:
            del schema["properties"][name]
    for path, field in kind.fields.items():
        _add_field(schema, path, copy.deepcopy(field), required=path in kind.required_fields)
    for rule in kind.rules:
        place = _at(schema, rule.at)
        place.setdefault("x-kubernetes-validations", []).append({"rule": rule.rule, "message": rule.message})
    return schema


def _names(kind: KindSchema) -> Schema:
    singular = kind.singular or kind.kind.lower()
    names = {"kind": kind.kind, "listKind": f"{kind.kind}List", "plural": kind.plural, "singular": singular}
    short_names = {"shortNames": list(kind.short_names)} if kind.short_names else {}
    return {**names, **short_names, "categories": [CATEGORY]}


def _version(kind: KindSchema) -> Schema:
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in kind.columns] + [_AGE],
        "schema": {"openAPIV3Schema": _root_schema(kind)},
    }
    return version | {"subresources": _subresources(kind)} if kind.describe_operation else version


def _subresources(kind: KindSchema) -> Schema:
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    return {"status": {}} | ({"scale": scale} if kind.scale else {})


_AGE: Schema = {"name": "AGE", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


def _column(column: Column) -> Schema:
    rendered: Schema = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        rendered["description"] = column.description
    return rendered | {"priority": 1} if column.wide else rendered


def _root_schema(kind: KindSchema) -> Schema:
    spec = spec_schema(kind)
    schema: Schema = {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        "properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}},
    }
    schema["properties"]["spec"] = spec
    if kind.describe_operation:
        schema["properties"]["status"] = status_schema(kind)
    if kind.mutable_fields is not None:
        schema["x-kubernetes-validations"] = [_immutability(kind, fields=spec["properties"])]
    return schema


def _immutability(kind: KindSchema, *, fields: Schema) -> Schema:
    """The rule that nothing but the mutable fields changes once an attempt is recorded.

    Every status update evaluates it too, so what they have in common, an unchanged spec, is asked first. CEL does not
    see maps whose values may be strings, numbers or booleans, hence `dyn`; and a comparison is as expensive as the
    smaller side can be by its type, hence the lists around what has no declared size.
    """
    mutable = kind.mutable_fields or ()
    fixed = sorted(set(fields) - set(mutable))
    same = {field: f"[dyn(self.spec).?{field}] == [dyn(oldSelf.spec).?{field}]" for field in fixed}
    refusal = "can't be changed after the job was created: "
    remedy = (
        f"and all else but {' and '.join(mutable)} "
        f"(apply the change under a new metadata.name, or delete this {kind.kind} first)"
    )
    return {
        "rule": f"!({_HAS_ATTEMPTS}) || [dyn(self.spec)] == [dyn(oldSelf.spec)] || ({' && '.join(same.values())})",
        "message": f"{refusal}{remedy}".replace("and all else", "all"),
        # A list that is joined would be too expensive: hence a comma after each, and words after the last.
        "messageExpression": " + ".join(
            [f'"{refusal}"', *(f"({same[field]} ? '' : 'spec.{field}, ')" for field in fixed), f'"{remedy}"']
        ),
        "fieldPath": ".spec",
        "reason": "FieldValueForbidden",
    }


def _add_field(schema: Schema, path: str, field: Schema, *, required: bool) -> None:
    parent_path, _, name = path.rpartition(".")
    parent = _at(schema, parent_path)
    parent["properties"] = dict(sorted({**parent["properties"], name: field}.items()))
    names = set(parent.pop("required", ())) - {name} | ({name} if required else set())
    if names:
        parent["required"] = sorted(names)


def _at(schema: Schema, path: str) -> Schema:
    for step in filter(None, path.split(".")):
        name = step.removesuffix("[]")
        if name not in schema.get("properties", {}):
            raise ValueError(f"{path}: there is no {name}")
        schema = schema["properties"][name]
        schema = schema["items"] if step.endswith("[]") else schema
    return schema
