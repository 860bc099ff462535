"""What a pod serves: an image, the files of its model, its variables and its inference code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.serving.script import CODE_IN_MODEL, script_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

MODEL_DIRECTORY: Final = "model"
"""Below /opt/ml."""
ADDITIONAL_DIRECTORY: Final = "additional-model-data-sources"
"""Below /opt/ml, with a directory for each channel.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AdditionalModelDataSource.html
"""

_SUBMIT_DIRECTORY: Final = "SAGEMAKER_SUBMIT_DIRECTORY"
_MOST_CODE_BYTES: Final = 700_000
"""A ConfigMap has at most 1 MiB, and this one is sent as base64."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFiles:
    """Files of a model on S3.

    Attributes:
        uri: where they are.
        directory: where they go, below /opt/ml.
        is_prefix: whether it is a key prefix, below which everything belongs to the model.
        is_archive: whether the object is a .tar.gz to be unpacked.
    """

    uri: str
    directory: str = MODEL_DIRECTORY
    is_prefix: bool = False
    is_archive: bool = True

    @classmethod
    def of(cls, source: Mapping[str, Any], *, directory: str = MODEL_DIRECTORY) -> ModelFiles:
        """From a ModelDataSource in lowerCamelCase."""
        s3 = source["s3DataSource"]
        return cls(
            uri=s3["s3Uri"],
            directory=directory,
            is_prefix=s3.get("s3DataType") == "S3Prefix",
            is_archive=s3.get("compressionType") == "Gzip",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Inference code, which goes to /opt/ml/model/code.

    Attributes:
        entry_point: the script that serves.
        uri: its .tar.gz on S3; None where it is at hand.
        archive: its .tar.gz, of a ConfigMap's files; empty where it is on S3.
        digest: stands for the archive's content.
    """

    entry_point: str
    uri: str | None = None
    archive: bytes = b""
    digest: str = ""

    @property
    def identity(self) -> str:
        """What it is known by: another code has another one."""
        return self.uri or self.digest


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedModel:
    """One container that serves.

    Attributes:
        image: its image, which is run as ``<image> serve``.
        environment: its variables, the region's excepted.
        files: what lies below /opt/ml when it starts, the model first.
        code: inference code that goes into the model's directory; None for what the model or the image brings itself.
    """

    image: str
    environment: Mapping[str, str] = field(default_factory=dict)
    files: tuple[ModelFiles, ...] = ()
    code: Code | None = None

    @property
    def has_additional_files(self) -> bool:
        """Whether there are files beside the model's."""
        return any(each.directory != MODEL_DIRECTORY for each in self.files)


def served_model(
    container: Mapping[str, Any],
    *,
    region: str,
    image: str | None = None,
    code: Code | None = None,
    field: str = "spec",
) -> ServedModel:
    """What a pod serves.

    SAGEMAKER_SUBMIT_DIRECTORY on S3, which SageMaker's toolkit would fetch in the container, is brought as the
    inference code: so the container needs neither that toolkit nor access to S3.

    Args:
        container: a container definition of CreateModel in lowerCamelCase, complete with its image, without `code`.
        region: of AWS.
        image: stands for the container's (``spec.cluster.image``); None for the container's own.
        code: the manifest's ``source``; None without one.
        field: of the container, for messages.

    Raises:
        SpecError: the code does not go where it is carried.
    """
    if code is not None and len(code.archive) > _MOST_CODE_BYTES:
        message = (
            f"has {len(code.archive)} bytes when packed, and at most {_MOST_CODE_BYTES} are carried to a pod: use "
            "`sagebridge source push` and source.s3Uri"
        )
        raise SpecError(f"{field}.source.configMap", message)
    environment = {name: str(value) for name, value in (container.get("environment") or {}).items()}
    if code is not None:
        environment = script_variables(code.entry_point, CODE_IN_MODEL, region=region) | environment
    elif (submitted := environment.get(_SUBMIT_DIRECTORY, "")).startswith("s3://"):
        code = Code(entry_point=environment.get("SAGEMAKER_PROGRAM", ""), uri=submitted)
        environment |= {_SUBMIT_DIRECTORY: CODE_IN_MODEL}
    return ServedModel(
        image=image or str(container["image"]),
        environment=environment,
        files=(*_model(container), *_additional(container)),
        code=code,
    )


def _model(container: Mapping[str, Any]) -> tuple[ModelFiles, ...]:
    if container.get("modelDataSource"):
        return (ModelFiles.of(container["modelDataSource"]),)
    uri = container.get("modelDataUrl")
    return (ModelFiles(uri=str(uri)),) if uri else ()


def _additional(container: Mapping[str, Any]) -> tuple[ModelFiles, ...]:
    return tuple(
        ModelFiles.of(each, directory=f"{ADDITIONAL_DIRECTORY}/{each['channelName']}")
        for each in container.get("additionalModelDataSources") or ()
    )
