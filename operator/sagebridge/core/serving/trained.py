"""What a finished TrainingJob gives to serve: its artifact, and the image that can serve it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images import FrameworkRef, resolve_image
from sagebridge.core.training.section import Section

# Frameworks whose training images serve as well; the others have images of their own for that.
_SERVE_THEMSELVES: Final = ("sklearn", "scikitlearn", "xgboost")
_TRAINING_REPOSITORY: Final = re.compile(r"(?:^|/)(huggingface|pytorch|tensorflow|mxnet)(?:-(\w+))?-training:(.+)$")
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_TRANSFORMERS: Final = re.compile(r"(\d+(?:\.\d+)+)-transformers(\d+(?:\.\d+)+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedModel:
    """A model that an object of this namespace has trained.

    Attributes:
        what: the object, for messages: ``TrainingJob digits``.
        field: the field that refers to it, for messages.
        artifact: model.tar.gz on S3, or a prefix of files where those can be served.
        region: where it was trained, and where the artifact lies.
        image: what trained it.
        framework: the framework whose inference image serves it; None where the training image does.
        entry_point, source_uri: the training script and its archive, where that image serves by the same script.
        is_vouched_for: whether SageMaker has said where the artifact is; on the cluster the tenant's own pods say it.
    """

    what: str
    field: str
    artifact: str
    region: str
    image: str
    framework: FrameworkRef | None = None
    entry_point: str | None = None
    source_uri: str | None = None
    is_vouched_for: bool = True

    @property
    def vouched_artifact(self) -> str | None:
        """The artifact, if it is certain that it is this namespace's own."""
        return self.artifact if self.is_vouched_for else None

    def serving_image(self, *, region: str, instance_type: str | None, instance_field: str) -> str:
        """The image that serves the model on an instance type; None means serverless.

        Raises:
            SpecError: there is none.
        """
        if self.framework is None:
            return self.image
        refusals: list[SpecError] = []
        for framework in _with_other_patches(self.framework):
            try:
                return resolve_image(
                    framework,
                    purpose="inference",
                    region=region,
                    instance_type=instance_type,
                    field=self.field,
                    instance_field=instance_field,
                ).uri
            except SpecError as error:
                refusals.append(error)
        message = (
            f"{self.what} was trained by {self.image}, which does not serve: {refusals[0].message}. Otherwise name an "
            "image that serves it, with its model.tar.gz, in model.primaryContainer"
        )
        raise SpecError(refusals[0].field, message) from refusals[0]


def artifact_of(status: Mapping[str, Any], *, what: str, field: str) -> str:
    """Where the model of a job lies that has completed.

    Args:
        status: the job's.
        what: the job, for messages: ``TrainingJob digits``.
        field: the field that refers to it, for messages.

    Raises:
        SpecError: it has left none.
    """
    artifact = str((status.get("modelArtifacts") or {}).get("s3ModelArtifacts") or "")
    if not artifact:
        message = f"{what} has completed without a model. Refer to another, or delete it and make it anew."
        raise SpecError(field, message)
    return artifact


def trained_model(
    *,
    kind: str,
    name: str,
    spec: Mapping[str, Any],
    status: Mapping[str, Any],
    field: str = "spec.modelRef",
    archive_only: bool = True,
) -> TrainedModel:
    """What a TrainingJob that has completed gives to serve.

    Args:
        kind: its kind.
        name: its name.
        spec: its spec.
        status: its status; the image is there.
        field: the field that refers to it, for messages.
        archive_only: whether what serves takes a model.tar.gz alone, and no prefix of files.

    Raises:
        SpecError: it has no model that can be served like this; says what to do.
    """
    what = f"{kind} {name}"
    section = Section.of(spec, "spec")
    _check_level(section, what=what, field=field)
    artifact = artifact_of(status, what=what, field=field)
    uncompressed = section.section("outputDataConfig").text("compressionType") == "NONE"
    if archive_only and (uncompressed or not artifact.endswith(".tar.gz")):
        message = (
            f"{what} left its model uncompressed (outputDataConfig.compressionType: NONE), which batch transform, "
            "serverless and multi-model endpoints, and inference code (source), can't take: train it with GZIP, or "
            "pack it into a model.tar.gz"
        )
        raise SpecError(field, message)
    image = str(status.get("image") or section.section("algorithmSpecification").text("trainingImage") or "")
    script = section.section("source") if section.has("source") else None
    serves_itself = _serves_by_its_script(section, image)
    return TrainedModel(
        what=what,
        field=field,
        artifact=artifact,
        region=str(status.get("region") or ""),
        image=image,
        framework=_inference_framework(section, image),
        entry_point=script.text("entryPoint") if script and serves_itself else None,
        source_uri=str(status.get("sourceUri") or script.text("s3Uri") or "") or None
        if script and serves_itself
        else None,
        is_vouched_for=section.text("target") != "Cluster",
    )


def _check_level(section: Section, *, what: str, field: str) -> None:
    if section.has("serverlessJobConfig"):
        message = (
            f"{what} is a serverless job, whose model is a model package: name that in "
            "model.primaryContainer.modelPackageName"
        )
        raise SpecError(field, message)
    if section.section("algorithmSpecification").has("algorithmName"):
        message = (
            f"{what} was trained by an algorithm resource, whose image is not known here: name a model package in "
            "model.primaryContainer.modelPackageName"
        )
        raise SpecError(field, message)


def _serves_by_its_script(section: Section, image: str) -> bool:
    if section.has("framework"):
        return _plain(section.section("framework").text("name") or "") in _SERVE_THEMSELVES
    return re.search(r"sagemaker-(scikit-learn|xgboost):", image) is not None


def _inference_framework(section: Section, image: str) -> FrameworkRef | None:
    """The framework to look an inference image up for; None if the image serves."""
    if section.has("algorithm"):
        return None
    given = section.section("framework")
    if given.has("name") and _plain(given.text("name") or "") in _SERVE_THEMSELVES:
        return None
    match = _TRAINING_REPOSITORY.search(image)
    if match is None:
        if not given.has("name"):
            return None
        return FrameworkRef(name=given.text("name") or "", version=given.text("version"))
    framework, base, tag = match.groups()
    if framework == "huggingface":
        versions = _TRANSFORMERS.search(tag)
        return FrameworkRef(
            name=framework,
            version=versions[2] if versions else given.text("version"),
            base_framework=f"{base}{versions[1]}" if versions and base else given.text("baseFramework"),
        )
    version = _VERSION.match(tag)
    return FrameworkRef(name=framework, version=version[0] if version else given.text("version"))


def _with_other_patches(framework: FrameworkRef) -> tuple[FrameworkRef, ...]:
    """The framework, and after it the newest patch of the same minor version: not every one has both images."""
    version = framework.version or ""
    if version.count(".") < 2:
        return (framework,)
    return (framework, replace(framework, version=version.rpartition(".")[0]))


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.lower())
