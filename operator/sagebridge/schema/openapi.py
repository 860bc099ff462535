"""Shapes of the service model as OpenAPI v3 schemas that Kubernetes accepts as structural.

What a schema says comes from the shape alone: types, bounds, patterns, enums, required members, descriptions.
Structural schemas: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sagebridge.schema.casing import lower_first
from sagebridge.schema.convert import holds_strings
from sagebridge.schema.descriptions import first_sentence
from sagebridge.schema.model import input_shape, output_shape
from sagebridge.schema.patterns import re2_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from botocore.model import ListShape, MapShape, Shape, StructureShape

Schema = dict[str, Any]

# Catalogues that AWS extends without a new API version: hardware, AMIs, algorithms, languages, ways to customize a
# model. An old operator must not refuse what AWS has learned since; SageMaker itself checks them.
_CATALOGUES = frozenset(
    {
        "AutoMLAlgorithm",
        "ClarifyTextLanguage",
        "CustomizationTechnique",
        "EvaluationType",
        "Framework",
        "Peft",
        "ProductionVariantAcceleratorType",
        "ProductionVariantInferenceAmiVersion",
        "ServerlessJobType",
        "TargetDevice",
    }
)
_CATALOGUE_SUFFIX = "InstanceType"
_INSTANCE_PREFIX = "ml."

# Lists whose items have a name that AWS wants to be unique: server-side apply can then merge them item by item, and
# the API server refuses a name given twice. Other lists are atomic.
_LIST_KEYS: Mapping[str, str] = {
    "CategoricalParameterRanges": "Name",
    "ContinuousParameterRanges": "Name",
    "DebugRuleConfigurations": "RuleConfigurationName",
    "InputDataConfig": "ChannelName",
    "InstanceGroups": "InstanceGroupName",
    "IntegerParameterRanges": "Name",
    "MetricDefinitionList": "Name",
    "ProcessingInputs": "InputName",
    "ProcessingOutputs": "OutputName",
    "ProductionVariantList": "VariantName",
    "ProfilerRuleConfigurations": "RuleConfigurationName",
    "TagList": "Key",
}

# Where the API gives no bound, CEL's cost estimate needs one; these are far above what a manifest can hold.
_DEFAULT_MAX_ITEMS = 300
_DEFAULT_MAX_PROPERTIES = 100

_NUMBERS: Mapping[str, Schema] = {
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
}


_STATUS_SCALARS: Mapping[str, Schema] = {
    "timestamp": {"type": "string", "format": "date-time"},
    "integer": {"type": "integer", "format": "int64"},
    "long": {"type": "integer", "format": "int64"},
    "float": {"type": "number"},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "boolean": {"type": "boolean"},
}


def request_schema(operation: str, *, optional: Collection[str] = ()) -> Schema:
    """Give the schema of an operation's request, in lowerCamelCase.

    Args:
        operation: The API's name, such as `CreateTrainingJob`.
        optional: Paths of members that the API requires and a manifest need not give, in lowerCamelCase, with `[]`
            after lists: `inputDataConfig[].dataSource.s3DataSource.s3DataType`.

    Returns:
        A structural OpenAPI schema of type object.

    Raises:
        UnknownOperationError: The installed botocore does not know the operation.
        ValueError: A path in `optional` names no required member, so it is a mistake or out of date.
    """
    builder = _RequestBuilder(optional=frozenset(optional))
    schema: Schema = builder.build(input_shape(operation), "")
    builder.check_all_used()
    return schema


def input_fields(operation: str) -> dict[str, Schema]:
    """Give the schemas of all members of an operation's request, by their names in lowerCamelCase."""
    properties: dict[str, Schema] = _RequestBuilder(optional=frozenset()).build(input_shape(operation), "")[
        "properties"
    ]
    return properties


def response_fields(operation: str, fields: Collection[str]) -> dict[str, Schema]:
    """Give the schemas of some members of an operation's response, for a status.

    A status must hold whatever AWS answers, newer values too, so only types are kept: no bounds, enums or patterns.

    Args:
        operation: The API's name, such as `DescribeTrainingJob`.
        fields: Names of members in lowerCamelCase.

    Returns:
        Schemas by field name.

    Raises:
        ValueError: The response has no such member.
    """
    members = {lower_first(name): shape for name, shape in output_shape(operation).members.items()}
    missing = sorted(set(fields) - members.keys())
    if missing:
        raise ValueError(f"the response of {operation} has no {', '.join(missing)}")
    return {field: _status_schema(members[field]) for field in fields}


class _RequestBuilder:
    """Walks a request's shape and remembers which hints were used."""

    def __init__(self, *, optional: frozenset[str]) -> None:
        self._optional = optional
        self._used: set[str] = set()
        self._by_type: Mapping[str, Callable[[Any, str], Schema]] = {
            "structure": self._structure,
            "list": self._list,
            "map": self._map,
            "string": _string,
            "boolean": lambda _shape, _path: {"type": "boolean"},
            "timestamp": lambda _shape, _path: {"type": "string", "format": "date-time"},
            **dict.fromkeys(_NUMBERS, _number),
        }

    def build(self, shape: Shape, path: str) -> Schema:
        schema = self._by_type[shape.type_name](shape, path)
        description = first_sentence(shape.documentation)
        return {"description": description, **schema} if description else schema

    def check_all_used(self) -> None:
        unused = sorted(self._optional - self._used)
        if unused:
            raise ValueError(f"not required by the API, so no exception is needed: {', '.join(unused)}")

    def _structure(self, shape: StructureShape, path: str) -> Schema:
        schema: Schema = {"type": "object", "properties": {}}
        required = []
        for member, member_shape in shape.members.items():
            key = lower_first(member)
            member_path = f"{path}.{key}" if path else key
            schema["properties"][key] = self.build(member_shape, member_path)
            if member in shape.required_members and not self._is_optional(member_path):
                required.append(key)
        if required:
            schema["required"] = sorted(required)
        return schema

    def _is_optional(self, path: str) -> bool:
        self._used |= {path} & self._optional
        return path in self._optional

    def _list(self, shape: ListShape, path: str) -> Schema:
        schema: Schema = {"type": "array", "items": self.build(shape.member, f"{path}[]")}
        schema["maxItems"] = shape.metadata.get("max", _DEFAULT_MAX_ITEMS)
        if shape.metadata.get("min"):
            schema["minItems"] = shape.metadata["min"]
        if shape.name in _LIST_KEYS:
            schema["x-kubernetes-list-type"] = "map"
            schema["x-kubernetes-list-map-keys"] = [lower_first(_LIST_KEYS[shape.name])]
        else:
            schema["x-kubernetes-list-type"] = "atomic"
        return schema

    def _map(self, shape: MapShape, path: str) -> Schema:
        values = _loose_string(shape.value) if holds_strings(shape) else self.build(shape.value, f"{path}{{}}")
        schema: Schema = {"type": "object", "additionalProperties": values}
        schema["maxProperties"] = shape.metadata.get("max", _DEFAULT_MAX_PROPERTIES)
        if shape.metadata.get("min"):
            schema["minProperties"] = shape.metadata["min"]
        return schema


def _string(shape: Any, _path: str) -> Schema:
    schema: Schema = {"type": "string"}
    if shape.enum and not _is_catalogue(shape.name):
        return schema | {"enum": list(shape.enum)}
    if _has_instance_types(shape):
        return schema | {"pattern": f"^{re.escape(_INSTANCE_PREFIX)}"}
    return schema | _string_limits(shape)


def _is_catalogue(name: str) -> bool:
    return name in _CATALOGUES or name.endswith(_CATALOGUE_SUFFIX)


def _has_instance_types(shape: Any) -> bool:
    """Whether its values are SageMaker's instance types, all of which begin so."""
    is_named_so = shape.enum and shape.name.endswith(_CATALOGUE_SUFFIX)
    return bool(is_named_so) and all(value.startswith(_INSTANCE_PREFIX) for value in shape.enum)


def _string_limits(shape: Shape) -> Schema:
    limits: Schema = {}
    if shape.metadata.get("min"):
        limits["minLength"] = shape.metadata["min"]
    if "max" in shape.metadata:
        limits["maxLength"] = shape.metadata["max"]
    pattern = re2_pattern(shape.metadata["pattern"]) if "pattern" in shape.metadata else None
    return limits | {"pattern": pattern} if pattern else limits


def _loose_string(shape: Shape) -> Schema:
    """A string that may be written as a number or a boolean; objects and lists with anything in them are refused."""
    return {"x-kubernetes-preserve-unknown-fields": True, "maxProperties": 0, "maxItems": 0} | _string_limits(shape)


def _number(shape: Shape, _path: str) -> Schema:
    schema = dict(_NUMBERS[shape.type_name])
    if "min" in shape.metadata:
        schema["minimum"] = shape.metadata["min"]
    if "max" in shape.metadata:
        schema["maximum"] = shape.metadata["max"]
    return schema


def _status_schema(shape: Any) -> Schema:
    schema = _status_type(shape)
    description = first_sentence(shape.documentation)
    return {"description": description, **schema} if description else schema


def _status_type(shape: Any) -> Schema:
    match shape.type_name:
        case "structure":
            members = {lower_first(name): _status_schema(member) for name, member in shape.members.items()}
            return {"type": "object", "properties": members}
        case "list":
            return {"type": "array", "items": _status_schema(shape.member), "x-kubernetes-list-type": "atomic"}
        case "map":
            return {"type": "object", "additionalProperties": _status_schema(shape.value)}
        case scalar:
            return dict(_STATUS_SCALARS[scalar])
