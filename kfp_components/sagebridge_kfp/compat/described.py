"""A model as `model` describes it, and as `deploy` and `batch_transform` take it.

Sagebridge has no object for a model by itself: an Endpoint and a BatchTransform make the models that they use. So what
goes from step to step is what they make one of, as JSON: CreateModel's fields, as manifests have them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.serving import Model, serving_image
from sagebridge_kfp.specs.values import given, text

_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_LEVELS: Final = ("primaryContainer", "containers")


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """A model that is to be made.

    Attributes:
        fields: CreateModel's, in lowerCamelCase: `modelName`, `primaryContainer` or `containers`, `executionRoleArn`,
            `enableNetworkIsolation`, `vpcConfig`.
        region: where it is to be; empty for the tenant's.
        tags: of what is made, by key.
    """

    fields: Mapping[str, Any]
    region: str
    tags: Mapping[str, str]

    @property
    def name(self) -> str:
        """What the pipeline calls it."""
        return str(self.fields["modelName"])

    @property
    def role(self) -> str:
        """The role its containers act as; empty for the tenant's."""
        return str(self.fields.get("executionRoleArn") or "")

    def dumped(self) -> str:
        """It as a text, the same for the same model."""
        return json.dumps({**self.fields, **given({"region": self.region, "tags": dict(self.tags)})}, sort_keys=True)

    def section(self, *, region: str, instance_type: str, archive_only: bool) -> dict[str, Any]:
        """The fields of a manifest's model, with images that serve.

        Args:
            region: where it serves, if the model does not say it.
            instance_type: where it serves.
            archive_only: whether what serves takes a model.tar.gz alone.

        Raises:
            InputError: an image only trains, and has no counterpart that serves.
        """

        def serving(container: Mapping[str, Any]) -> dict[str, Any]:
            if "image" not in container:
                return dict(container)
            model = _model_of(container)
            where = self.region or region
            image = serving_image(model, region=where, instance_type=instance_type, archive_only=archive_only)
            return {**container, "image": image}

        section = {name: value for name, value in self.fields.items() if name not in {"modelName", "executionRoleArn"}}
        if "containers" in section:
            return {**section, "containers": [serving(each) for each in section["containers"]]}
        return {**section, "primaryContainer": serving(section["primaryContainer"])}


def check_name(name: str) -> None:
    """Check that a name is one for a model.

    Raises:
        InputError: it is not.
    """
    if not _NAME.fullmatch(name):
        message = f"must be at most 63 letters, digits and hyphens, with none at the ends, and is {name!r}"
        raise InputError("model_name", message)


def parse(value: str, argument: str) -> Described | None:
    """Return the model that a text describes; None for the name of one that is in SageMaker.

    Raises:
        InputError: it is JSON, but not what `model` gives on.
    """
    if not value.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(value)
    except ValueError as error:
        raise InputError(argument, f"is neither a model's name nor what model gives on: {value!r}") from error
    fields = {name: item for name, item in found.items() if name not in {"region", "tags"}}
    if "modelName" not in fields or not any(level in fields for level in _LEVELS):
        raise InputError(argument, f"is not what model gives on: {value!r}")
    return Described(fields=fields, region=found.get("region", ""), tags=found.get("tags", {}))


def together(tags: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return all tags, for what is made by one object has the same ones.

    Args:
        tags: by the argument that gave them, tags by key.

    Raises:
        InputError: two arguments give a key different values.
    """
    all_tags: dict[str, str] = {}
    for argument, given_tags in tags.items():
        for key, value in given_tags.items():
            written = text(value, f"{argument}.{key}")
            if all_tags.setdefault(key, written) != written:
                message = f"is {written!r}, and {all_tags[key]!r} elsewhere: all that one step makes has the same tags"
                raise InputError(f"{argument}.{key}", message)
    return all_tags


def _model_of(container: Mapping[str, Any]) -> Model:
    return Model(
        model_uri=str(container.get("modelDataUrl") or ""),
        image=container["image"],
        training_job="",
        tuning_job="",
        entry_point="",
        source="",
    )
