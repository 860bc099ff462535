"""The model that a batch transform or an endpoint serves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images.script import DIRECTORY, PROGRAM, lacks_script
from sagebridge.core.serving import trained_model

from sagebridge_kfp.specs.channels import s3_uri
from sagebridge_kfp.specs.code import source_section
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.inputs import Inputs
from sagebridge_kfp.specs.origins import Origin

_CODE_FIELDS: Final = frozenset({"source", "environment", "environmentFrom", "model", "cluster"})
"""Fields of the spec by which `spec_overrides` may bring the code that serves, or another image."""

# https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
_REGISTRY: Final = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Model(Inputs):
    """Which model, what serves it, and with which code."""

    model_uri: str
    image: str
    training_job: str
    tuning_job: str
    entry_point: str
    source: str


def model_ref(model: Model) -> dict[str, str]:
    """The spec's `modelRef`; empty if the model is not named by what trained it."""
    if model.training_job:
        return {"kind": "TrainingJob", "name": model.training_job}
    return {"kind": "HPTuningJob", "name": model.tuning_job} if model.tuning_job else {}


def model_origin(model: Model, prefix: str = "") -> Origin:
    """The input that the name in `modelRef`, below a prefix, was made of."""
    return Origin("tuning_job" if model.tuning_job else "training_job", f"{prefix}modelRef.name")


def code_section(model: Model) -> dict[str, Any]:
    """The spec's `source`: the code that serves; empty if the image, or the model's archive, brings its own.

    Raises:
        InputError: half of it is missing.
    """
    if bool(model.entry_point) != bool(model.source):
        raise InputError(
            *("source", "is missing: where is entry_point?")
            if model.entry_point
            else ("entry_point", "is missing: which file of source is it?")
        )
    return source_section(entry_point=model.entry_point, source=model.source)


def check_script(inputs: Mapping[str, Any], *, framework: str = "", image: str = "") -> None:
    """Check that there is a script where what serves can't do without: scikit-learn's container.

    Args:
        inputs: all of the component's, by name; those count that may bring a script, or another image.
        framework: what serves; empty where an image does.
        image: the image that serves.

    Raises:
        InputError: there is none.
    """
    if inputs["source"] or inputs["cluster"].get("image") or _CODE_FIELDS & inputs["spec_overrides"].keys():
        return
    if lacks_script(inputs["environment"], framework=framework, image=image):
        message = (
            "is missing: scikit-learn's container serves by a script with a model_fn. Give source and entry_point; or "
            f"name the script of the model's archive by {PROGRAM} and {DIRECTORY} in environment"
        )
        raise InputError("source", message)


def one_of(given: Mapping[str, Any], names: Iterable[str], what: str) -> str:
    """Return the name of the one input that is given.

    Raises:
        InputError: none is, or several are.
    """
    names = tuple(names)
    chosen = [name for name in names if given[name]]
    if len(chosen) == 1:
        return chosen[0]
    alternatives = f"{', '.join(names[:-1])} and {names[-1]}"
    if not chosen:
        raise InputError(names[0], f"say {what}, by exactly one of {alternatives}")
    raise InputError(chosen[-1], f"is given beside {chosen[0]}: give exactly one of {alternatives}")


def model_data(model: Model) -> dict[str, str]:
    """The field that says where the model lies; empty where it is in the image."""
    if not model.model_uri:
        return {}
    return {"modelDataUrl": s3_uri(model.model_uri, "model_uri")}


def serving_image(model: Model, *, region: str, instance_type: str, archive_only: bool) -> str:
    """Return the image that serves a model which was trained in `image`.

    Images of frameworks that only train are replaced by the inference image of the same version; all others serve.

    Args:
        model: `image` is given.
        region: where it will serve; if empty, where the image lies.
        instance_type: where it will serve; empty for serverless.
        archive_only: whether what serves takes a model.tar.gz alone.

    Raises:
        InputError: there is no inference image of that version, or the model can't be served like this.
    """
    if model.model_uri:
        _check_archive(s3_uri(model.model_uri, "model_uri"), archive_only=archive_only)
    lies_in = _REGISTRY.match(model.image)
    where = region or (lies_in[1] if lies_in else "")
    try:
        trained = trained_model(
            kind="Model",
            name=model.model_uri,
            spec={"algorithmSpecification": {"trainingImage": model.image}},
            status={"modelArtifacts": {"s3ModelArtifacts": model.model_uri or "in-the-image.tar.gz"}, "region": where},
            field="image",
            archive_only=archive_only,
        )
        return trained.serving_image(region=where, instance_type=instance_type or None, instance_field="instance_type")
    except SpecError as error:
        raise InputError(error.field, error.message) from error


def _check_archive(uri: str, *, archive_only: bool) -> None:
    if archive_only and not uri.endswith(".tar.gz"):
        message = (
            f"is {uri!r}, an uncompressed model: batch transform and endpoints without instances take a model.tar.gz "
            "alone"
        )
        raise InputError("model_uri", message)
