"""From an algorithm or a framework, a region and an instance type to the one image that fits."""

from __future__ import annotations

import difflib
import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from sagebridge.core.errors import SpecError
from sagebridge.core.images.table import Build, Scope, Table, load

if TYPE_CHECKING:
    from collections.abc import Iterable

Purpose = Literal["training", "inference"]
Order = tuple[int, ...]

INSTANCE_TYPE_FIELD: Final = "spec.resourceConfig.instanceType"
OWN_IMAGE_FIELD: Final = "algorithmSpecification.trainingImage"

# The names of the algorithms' documentation pages, where they differ by more than case, spaces and hyphens.
_OTHER_NAMES: Final = {
    "deepar": "forecasting-deepar",
    "knearestneighbors": "knn",
    "latentdirichletallocation": "lda",
    "neuraltopicmodel": "ntm",
    "principalcomponentanalysis": "pca",
    "rcf": "randomcutforest",
    "scikitlearn": "sklearn",
    "sequencetosequence": "seq2seq",
    "transformers": "huggingface",
}
_INSTANCE_TYPE: Final = re.compile(r"ml\.([a-z0-9-]+)\.[a-z0-9-]+")
_GRAVITON: Final = "inference_graviton"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlgorithmRef:
    """A built-in algorithm. Without a version, the newest one that the region and the instance type have."""

    name: str
    version: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameworkRef:
    """A framework container.

    Attributes:
        name: ``pytorch``, ``tensorflow``, ``huggingface``, ``sklearn``, ``xgboost`` ...
        version: ``2.3`` or ``2.3.0``; without one, the newest that the region and the instance type have.
        python_version: ``py311``; without one, the newest of that version.
        base_framework: ``pytorch2.1`` or ``pytorch2.1.0``, for Hugging Face only.
    """

    name: str
    version: str | None = None
    python_version: str | None = None
    base_framework: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedImage:
    """An image, and what it was resolved to.

    Attributes:
        uri: what ``trainingImage`` or ``image`` take.
        name: the framework's or algorithm's canonical name.
        version: the full version, ``2.3.0``.
        python_version: None where images have only one.
        base_framework: ``pytorch2.1.0``, for Hugging Face only.
    """

    uri: str
    name: str
    version: str
    python_version: str | None
    base_framework: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Question:
    """What is asked for, with the field names that messages give."""

    ref: AlgorithmRef | FrameworkRef
    name: str
    purpose: Purpose
    region: str
    instance_type: str | None
    field: str
    instance_field: str
    own_image_field: str


def training_image(
    ref: AlgorithmRef | FrameworkRef,
    *,
    region: str,
    instance_type: str,
    field: str | None = None,
    instance_field: str = INSTANCE_TYPE_FIELD,
) -> str:
    """Return the URI of the image that trains ``ref`` on ``instance_type`` in ``region``.

    Args:
        ref: the algorithm or framework.
        region: any region of any partition, ``eu-central-1``.
        instance_type: ``ml.m5.xlarge``; it decides between the CPU, GPU and Neuron images.
        field: where ``ref`` stands in the manifest, for messages; default ``spec.algorithm`` or ``spec.framework``.
        instance_field: where the instance type stands.

    Raises:
        SpecError: no such image; names the field that is wrong and what there is instead.
    """
    image = resolve_image(
        ref, purpose="training", region=region, instance_type=instance_type, field=field, instance_field=instance_field
    )
    return image.uri


def inference_image(
    ref: AlgorithmRef | FrameworkRef,
    *,
    region: str,
    instance_type: str | None,
    field: str | None = None,
    instance_field: str = INSTANCE_TYPE_FIELD,
) -> str:
    """Return the URI of the image that serves ``ref``; an ``instance_type`` of None means serverless, so a CPU.

    Raises:
        SpecError: no such image; names the field that is wrong and what there is instead.
    """
    image = resolve_image(
        ref, purpose="inference", region=region, instance_type=instance_type, field=field, instance_field=instance_field
    )
    return image.uri


def resolve_image(
    ref: AlgorithmRef | FrameworkRef,
    *,
    purpose: Purpose,
    region: str,
    instance_type: str | None,
    field: str | None = None,
    instance_field: str = INSTANCE_TYPE_FIELD,
    own_image_field: str = OWN_IMAGE_FIELD,
) -> ResolvedImage:
    """Return the image for ``ref`` with the version it was resolved to; see ``training_image``.

    Raises:
        SpecError: no such image; names the field that is wrong and what there is instead.
    """
    table = load()
    field = field or ("spec.algorithm" if isinstance(ref, AlgorithmRef) else "spec.framework")
    question = _Question(
        ref=ref,
        name=_canonical_name(ref, purpose=purpose, field=field),
        purpose=purpose,
        region=region,
        instance_type=instance_type,
        field=field,
        instance_field=instance_field,
        own_image_field=own_image_field,
    )
    if region not in table.suffixes:
        message = f'no images are known in the region "{region}"; {_suggest(region, table.suffixes)}'
        raise SpecError(field="spec.region", message=message)
    scope = _scope(table, question)
    if ref.version is not None:
        return _resolve_version(table, scope, question, version=ref.version)
    return _resolve_newest(table, scope, question)


def _canonical_name(ref: AlgorithmRef | FrameworkRef, *, purpose: Purpose, field: str) -> str:
    algorithm = isinstance(ref, AlgorithmRef)
    known = _known_names(algorithm=algorithm, purpose=purpose)
    name = known.get(_plain(ref.name))
    if name is None:
        what = "built-in algorithm" if algorithm else f"framework with {purpose} images"
        message = f'no {what} is called "{ref.name}"; {_suggest(ref.name, set(known.values()))}'
        raise SpecError(field=f"{field}.name", message=message)
    return name


@functools.cache
def _known_names(*, algorithm: bool, purpose: Purpose) -> dict[str, str]:
    """Return canonical names by all plain spellings."""
    table = load()
    names = set(table.algorithms)
    if not algorithm:
        names = {name for name, scopes in table.frameworks.items() if purpose in scopes} - (names - {"xgboost"})
    others = {other: name for other, name in _OTHER_NAMES.items() if name in names}
    return {_plain(name): name for name in sorted(names)} | others


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.lower())


def _scope(table: Table, question: _Question) -> Scope:
    """Return the versions to choose from: Neuron and Graviton instances have their own."""
    family = _family(question)
    neuron = _neuron_name(question, family)
    scopes = table.frameworks.get(neuron, {}) if neuron else table.frameworks[question.name]
    wanted = question.purpose if family not in table.graviton else _GRAVITON
    if wanted == _GRAVITON and question.purpose == "training":
        scopes = {}
    if wanted not in scopes:
        message = (
            f"{question.name} has no {question.purpose} image for {question.instance_type}; {_other_instance(question)}"
        )
        raise SpecError(field=question.instance_field, message=message)
    return scopes[wanted]


def _other_instance(question: _Question) -> str:
    return f"choose another instance type, or name your own image in {question.own_image_field}"


def _neuron_name(question: _Question, family: str | None) -> str | None:
    """Return the name of the Neuron variant of PyTorch or Hugging Face; the other names have none."""
    if family is None or not family.startswith(("inf", "trn")):
        return None
    if question.name == "pytorch":
        return "pytorch-neuron"
    if question.name == "huggingface":
        return "huggingface-neuron" if family == "inf1" else "huggingface-neuronx"
    return None


def _family(question: _Question) -> str | None:
    if question.instance_type is None:
        return None
    match = _INSTANCE_TYPE.fullmatch(question.instance_type)
    if match is None:
        message = f'"{question.instance_type}" is not an instance type; they look like ml.m5.xlarge'
        raise SpecError(field=question.instance_field, message=message)
    return match[1]


def _resolve_version(table: Table, scope: Scope, question: _Question, *, version: str) -> ResolvedImage:
    full = scope.aliases.get(version, version)
    if full not in scope.versions:
        known = [*scope.versions, *scope.aliases]
        message = f'{question.name} has no version "{version}"; {_suggest(version, known)}'
        raise SpecError(field=f"{question.field}.version", message=message)
    return _resolve_build(table, scope.versions[full], question, asked=version, full=full)


def _resolve_newest(table: Table, scope: Scope, question: _Question) -> ResolvedImage:
    """Return the newest version that has an image here; where none has, say why the newest of all has not."""
    newest_first = sorted(scope.versions, key=_order, reverse=True)
    refusal: SpecError | None = None
    for version in newest_first:
        try:
            return _resolve_build(table, scope.versions[version], question, asked=version, full=version)
        except SpecError as error:
            refusal = refusal or error
    if refusal is None:
        raise SpecError(field=f"{question.field}.name", message=f"{question.name} has no {question.purpose} images")
    raise refusal


def _resolve_build(
    table: Table, builds: tuple[Build, ...], question: _Question, *, asked: str, full: str
) -> ResolvedImage:
    chosen = _by_python(_by_base(builds, question, version=full), question, version=full)
    if question.region not in chosen.registry:
        message = (
            f"{question.name} {full} is not published in {question.region}; "
            f"it is in {', '.join(sorted(chosen.registry))}; "
            f"name another version, or name your own image in {question.own_image_field}"
        )
        raise SpecError(field=f"{question.field}.version", message=message)
    tag = _tag(chosen, question, asked=asked, version=full).replace("{}", asked)
    host = f"{chosen.registry[question.region]}.dkr.ecr.{question.region}.{table.suffixes[question.region]}"
    return ResolvedImage(
        uri=f"{host}/{chosen.repository}" + (f":{tag}" if tag else ""),
        name=question.name,
        version=full,
        python_version=chosen.python,
        base_framework=chosen.base,
    )


def _by_base(builds: tuple[Build, ...], question: _Question, *, version: str) -> list[Build]:
    """Keep the builds on the base framework that was asked for, or else on the newest one."""
    bases = {build.base for build in builds if build.base is not None}
    asked = question.ref.base_framework if isinstance(question.ref, FrameworkRef) else None
    field = f"{question.field}.baseFramework"
    if not bases:
        if asked is not None:
            raise SpecError(field=field, message=f"{question.name} is not built on another framework; remove it")
        return list(builds)
    if asked is not None:
        fitting = {base for base in bases if base == asked or base.startswith(f"{asked}.")}
        if not fitting:
            message = f'{question.name} {version} is not built on "{asked}"; {_suggest(asked, bases)}'
            raise SpecError(field=field, message=message)
        bases = fitting
    elif len({re.sub(r"[\d.].*", "", base) for base in bases}) > 1:
        message = f"{question.name} {version} is built on several frameworks; choose one of {', '.join(sorted(bases))}"
        raise SpecError(field=field, message=message)
    newest = max(bases, key=_order)
    return [build for build in builds if build.base == newest]


def _by_python(builds: list[Build], question: _Question, *, version: str) -> Build:
    """Return the build with the Python version that was asked for, or else with the newest one."""
    asked = question.ref.python_version if isinstance(question.ref, FrameworkRef) else None
    if asked is None:
        return max(builds, key=lambda build: _python_order(build.python))
    for build in builds:
        if build.python == asked:
            return build
    known = [build.python for build in builds if build.python is not None]
    if known:
        message = f'{question.name} {version} has no image with Python "{asked}"; {_suggest(asked, known)}'
    else:
        message = f"{question.name} {version} has one image, whose Python version is not stated; remove pythonVersion"
    raise SpecError(field=f"{question.field}.pythonVersion", message=message)


def _tag(build: Build, question: _Question, *, asked: str, version: str) -> str:
    """Return the tag for the instance's processor, with ``{}`` where the version goes."""
    family = _family(question)
    special = build.tags.get(f"{family}@{asked}")
    if special is not None:
        return special
    processor = _processor(build, family)
    if "*" in build.tags and (processor in ("cpu", "gpu") or "neuron" in question.name):
        return build.tags["*"] or ""
    tag = build.tags.get(processor)
    if tag is None:
        kinds = sorted(kind.replace("*", "cpu, gpu") for kind, value in build.tags.items() if value and "@" not in kind)
        message = (
            f"{question.name} {version} has {question.purpose} images for {', '.join(kinds)} instances only, and "
            f"{question.instance_type or 'serverless inference'} needs one for {processor}; {_other_instance(question)}"
        )
        raise SpecError(field=question.instance_field, message=message)
    return tag


def _processor(build: Build, family: str | None) -> str:
    """Return the word for the processor: a family with an image of its own goes first."""
    if family is None:
        return "cpu"
    if family in build.tags:
        return family
    if family.startswith(("inf", "trn")):
        return family[:3]
    return "gpu" if family.startswith(("g", "p")) else "cpu"


@functools.lru_cache(maxsize=4096)
def _order(version: str) -> Order:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _python_order(python: str | None) -> Order:
    """Order py3 < py36 < py39 < py310: the first digit is the major version, the rest the minor one."""
    digits = re.sub(r"\D", "", python or "")
    return (int(digits[:1] or 0), int(digits[1:] or 0))


def _suggest(word: str, known: Iterable[str]) -> str:
    """Return what there is, the closest match first."""
    names = sorted(known, key=lambda name: (_order(name) if name[:1].isdigit() else (), name))
    close = difflib.get_close_matches(word, names, n=1)
    return (f'did you mean "{close[0]}"? Known: ' if close else "known: ") + ", ".join(names)
