"""Putting the request of CreateModel together, and naming it after its content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.names import JOB_NAME_LIMIT, Owner, digest
from sagebridge.core.resolution import without_nulls
from sagebridge.core.serving.script import CODE_IN_MODEL, script_variables
from sagebridge.core.serving.trained import TrainedModel
from sagebridge.core.training.section import Section

# What says best what a container has, the best first.
_PLACES: Final = ("modelDataUrl", "modelPackageName", "image")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelContext:
    """What the manifest does not say itself about a model.

    Attributes:
        region: where it will serve.
        role_arn: the execution role.
        instance_type: where it will serve, None for serverless; decides between CPU and GPU images.
        instance_field: the field of that, for messages.
        owner: whose model it is.
        tags: of the user, in lowerCamelCase; those of ownership are added.
        trained: the model that was referred to, None for one that the manifest defines.
        repacked_uri: where the archive with the inference code is or will be; None without such code.
    """

    region: str
    role_arn: str
    instance_type: str | None
    instance_field: str
    owner: Owner
    tags: tuple[Mapping[str, str], ...] = ()
    trained: TrainedModel | None = None
    repacked_uri: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Repack:
    """A model.tar.gz to be made of another one and inference code.

    Attributes:
        model_uri: the archive to take the model from; None for a model that is code alone.
        code_uri: the archive of the code; None when its files are at hand.
        entry_point: the script, which must be in the code.
        key: where it goes, below the root of the default bucket or prefix; names what it is made of.
        files: the code's files, for a ConfigMap's.
        field: the field of the source, for messages.
    """

    model_uri: str | None
    code_uri: str | None
    entry_point: str
    key: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    field: str = "spec.source"

    def reads(self, *, model_field: str) -> dict[str, str]:
        """What is read from S3 to make it, by the path of the field that names it."""
        given = {model_field: self.model_uri, f"{self.field}.s3Uri": self.code_uri}
        return {path: uri for path, uri in given.items() if uri}


def repack_of(
    source: Section,
    *,
    owner: Owner,
    model_uri: str | None,
    files: Mapping[str, bytes],
    code_digest: str,
) -> Repack:
    """What has to be packed for a model with inference code.

    The key names the object by its UID, the model's place and the code: one object packs once, and what another
    object packed earlier from the same place, with what lay there then, is not taken for it.

    Args:
        source: the manifest's ``source``.
        owner: whose model it is.
        model_uri: the archive without that code; None for code alone.
        files: the files of the source's ConfigMap; empty for an archive on S3.
        code_digest: of those files; empty for an archive on S3.

    Raises:
        SpecError: the model is no archive.
    """
    if model_uri is not None and not model_uri.endswith(".tar.gz"):
        raise SpecError(source.path, f"is packed into the model's archive, and {model_uri} is no .tar.gz: remove it")
    code_uri = source.text("s3Uri")
    content = digest(owner.cluster, owner.uid, model_uri or "", code_uri or code_digest)
    return Repack(
        model_uri=model_uri,
        code_uri=code_uri,
        entry_point=source.required_text("entryPoint", hint="name the inference script, such as inference.py"),
        key=f"sagebridge/{owner.namespace}/{owner.name}/model/{content}/model.tar.gz",
        files=files,
        field=source.path,
    )


def build_model(model: Section | None, context: ModelContext, *, source: Section | None = None) -> dict[str, Any]:
    """Return the request of CreateModel in lowerCamelCase, complete but for its name.

    Args:
        model: CreateModel's fields as the manifest has them; None for a model that was referred to.
        context: what the manifest does not say.
        source: the manifest's inference code, whose archive is ``context.repacked_uri``.

    Raises:
        SpecError: names the field, and says what to do.
    """
    request = _inline(model, context, source) if model is not None else _referenced(context, source)
    request["executionRoleArn"] = request.get("executionRoleArn") or context.role_arn
    owned = [{"key": key, "value": value} for key, value in sorted(context.owner.tags().items())]
    request["tags"] = [*(dict(tag) for tag in context.tags), *owned]
    clean: dict[str, Any] = without_nulls(request)
    return clean


def model_name(owner: Owner, request: Mapping[str, Any]) -> str:
    """The name of a model: the same for the same content of the same object, and for no other.

    Args:
        owner: whose model it is.
        request: the request of CreateModel, complete but for its name; its tags do not count, they may change.
    """
    content = json.dumps({key: value for key, value in request.items() if key != "tags"}, sort_keys=True)
    suffix = digest(owner.cluster, owner.uid, content)
    readable = re.sub(r"[^a-zA-Z0-9-]", "-", f"{owner.namespace}-{owner.name}")[: JOB_NAME_LIMIT - len(suffix) - 1]
    return f"{readable.rstrip('-')}-{suffix}"


def model_source(spec: Mapping[str, Any]) -> str | None:
    """Where the model of a manifest comes from, in one line for people; None if the manifest does not say.

    Args:
        spec: with `modelRef`, `modelName` or `model`.
    """
    if reference := spec.get("modelRef"):
        return "/".join(filter(None, (reference.get("kind"), reference.get("name")))) or None
    if name := spec.get("modelName"):
        return str(name)
    model = spec.get("model") or {}
    containers = model.get("containers") or [model.get("primaryContainer") or {}]
    places = [next((each[key] for key in _PLACES if each.get(key)), None) for each in containers]
    return ", ".join(filter(None, places)) or None


def _referenced(context: ModelContext, source: Section | None) -> dict[str, Any]:
    trained = context.trained
    if trained is None:
        raise SpecError("spec", "has no model to serve: give modelRef or model")
    if trained.region and trained.region != context.region:
        message = (
            f"{trained.what} was trained in {trained.region}, where its model lies, and this runs in {context.region}: "
            "set region to the same"
        )
        raise SpecError(trained.field, message)
    image = trained.serving_image(
        region=context.region, instance_type=context.instance_type, instance_field=context.instance_field
    )
    if source is not None:
        environment = script_variables(source.text("entryPoint") or "", CODE_IN_MODEL, region=context.region)
    elif trained.entry_point and trained.source_uri:
        # As an estimator of the SageMaker SDK does: the training script has the functions that serve, too.
        environment = script_variables(trained.entry_point, trained.source_uri, region=context.region)
    else:
        environment = {}
    container: dict[str, Any] = {"image": image, "modelDataUrl": context.repacked_uri or trained.artifact}
    return {"primaryContainer": container | ({"environment": environment} if environment else {})}


def _inline(model: Section, context: ModelContext, source: Section | None) -> dict[str, Any]:
    given = [key for key in ("primaryContainer", "containers") if model.has(key)]
    if len(given) != 1:
        raise SpecError(model.path, "give exactly one of primaryContainer and containers (a pipeline)")
    request = dict(model.values)
    if source is None:
        return request
    if given != ["primaryContainer"]:
        message = "goes into one container's model: give model.primaryContainer, or pack the code into each archive"
        raise SpecError(source.path, message)
    container = model.section("primaryContainer")
    if container.has("modelPackageName") or container.has("modelDataSource"):
        raise SpecError(source.path, "goes into a model.tar.gz: give model.primaryContainer.image and modelDataUrl")
    environment = script_variables(source.text("entryPoint") or "", CODE_IN_MODEL, region=context.region)
    request["primaryContainer"] = {
        **container.values,
        "modelDataUrl": context.repacked_uri,
        "environment": environment | dict(container.section("environment").values),
    }
    return request
