"""Which of the levels a manifest chooses, and the source code that goes with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, FrameworkRef
from sagebridge.core.training.section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping


class Level(StrEnum):
    """How a job says what to run, from the highest level to the lowest; the value is the field that says it."""

    ALGORITHM = "algorithm"
    FRAMEWORK = "framework"
    OWN_IMAGE = "algorithmSpecification.trainingImage"
    ALGORITHM_RESOURCE = "algorithmSpecification.algorithmName"
    SERVERLESS = "serverlessJobConfig"


_CHOICES: Final = (
    "algorithm (a built-in algorithm), framework (your script), algorithmSpecification.trainingImage (your container), "
    "algorithmSpecification.algorithmName (an algorithm resource) or serverlessJobConfig"
)
_WITH_SOURCE: Final = (Level.FRAMEWORK, Level.OWN_IMAGE)
# The toolkit gives the name of anything but a .py file to a shell, so what a shell would act on is kept out.
_ENTRY_POINT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*")
_ARCHIVE: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]+/\S+\.tar\.gz")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """The script to run.

    Attributes:
        entry_point: a relative path inside the archive, ``train.py``.
        s3_uri: the archive, if the manifest names it.
        config_map: the ConfigMap that holds the files, otherwise.
    """

    entry_point: str
    s3_uri: str | None
    config_map: str | None


def level_of(section: Section) -> Level:
    """Return the one level that a manifest chooses.

    Raises:
        SpecError: it chooses none or several.
    """
    specification = section.section("algorithmSpecification")
    given = [level for level in Level if "." not in level and section.has(level)]
    given += [level for level in Level if "." in level and specification.has(level.rpartition(".")[2])]
    if not given:
        raise SpecError(section.path, f"does not say what to train with: give exactly one of {_CHOICES}")
    if len(given) > 1:
        raise SpecError(
            section.field(given[-1]), f"is given together with {given[0]}: keep one, since each says what to train with"
        )
    return given[0]


def image_reference(section: Section, level: Level) -> AlgorithmRef | FrameworkRef | None:
    """Return what has to be looked up in the image table; None where the manifest names the image itself.

    Raises:
        SpecError: a field is missing or no text.
    """
    if level is Level.ALGORITHM:
        algorithm = section.section("algorithm")
        name = algorithm.required_text("name", hint="name a built-in algorithm, such as xgboost")
        return AlgorithmRef(name=name, version=algorithm.text("version"))
    if level is Level.FRAMEWORK:
        framework = section.section("framework")
        return FrameworkRef(
            name=framework.required_text("name", hint="name a framework, such as pytorch"),
            version=framework.text("version"),
            python_version=framework.text("pythonVersion"),
            base_framework=framework.text("baseFramework"),
        )
    return None


def source_object(spec: Mapping[str, Any]) -> str | None:
    """Return the name of the ConfigMap that has to be packed and uploaded, None if there is none.

    Raises:
        SpecError: ``source`` is not as it has to be.
    """
    section = Section.of(spec, "spec")
    if not section.has("source"):
        return None
    return read_source(section.section("source")).config_map


def source_of(section: Section, level: Level) -> Source | None:
    """Return the source code of a manifest, None if it has none and needs none.

    Raises:
        SpecError: it is missing, misplaced or not as it has to be.
    """
    if not section.has("source"):
        if level is Level.FRAMEWORK:
            message = "is missing: framework runs your script, so give source.entryPoint with s3Uri or configMap"
            raise SpecError(section.field("source"), message)
        return None
    if level not in _WITH_SOURCE:
        message = f"does not go with {level}: remove it, or use framework to run a script"
        raise SpecError(section.field("source"), message)
    return read_source(section.section("source"))


def read_source(source: Section) -> Source:
    """Read ``source``.

    Raises:
        SpecError: it is not as it has to be.
    """
    entry_point = source.required_text("entryPoint", hint="name the script to run, such as train.py")
    if not _ENTRY_POINT.fullmatch(entry_point) or ".." in entry_point.split("/"):
        message = f'"{entry_point}" must be a path inside the source without "..", spaces or special characters'
        raise SpecError(source.field("entryPoint"), message)
    s3_uri = source.text("s3Uri")
    config_map = source.section("configMap").text("name") if source.has("configMap") else None
    if (s3_uri is None) == (config_map is None):
        message = "must say where the code is by exactly one of s3Uri (a .tar.gz) or configMap (its name)"
        raise SpecError(source.path, message)
    if s3_uri is not None and not _ARCHIVE.fullmatch(s3_uri):
        message = f'"{s3_uri}" must be one .tar.gz on S3: pack a directory with `sagebridge source push DIR S3URI`'
        raise SpecError(source.field("s3Uri"), message)
    return Source(entry_point=entry_point, s3_uri=s3_uri, config_map=config_map)
