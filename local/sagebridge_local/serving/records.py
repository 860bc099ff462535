"""What is served, and what an invocation gives back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SINGLE_MODEL: Final = "SingleModel"
MULTI_MODEL: Final = "MultiModel"
PRIMARY: Final = "primary"
TARGET_MODEL: Final = "X-Amzn-SageMaker-Target-Model"
UNREACHABLE: Final = 0
"""The status that AWS's messages show when a container did not answer at all."""


class ServingError(Exception):
    """A model can't be served, with the reason that users are shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelNotFoundError(ServingError):
    """The target model of a multi-model container is not in S3."""


class ModelNotLoadedError(Exception):
    """The container did not load a target model: with its status, 0 for no answer, and what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelData:
    """Where a model lies.

    Attributes:
        uri: An s3:// URI.
        is_prefix: Whether it is a key prefix, below which everything belongs to the model.
        is_archive: Whether the object is a .tar.gz to be unpacked.
    """

    uri: str
    is_prefix: bool = False
    is_archive: bool = True

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> ModelData:
        """From a ModelDataSource."""
        s3 = source["S3DataSource"]
        return cls(
            uri=s3["S3Uri"], is_prefix=s3["S3DataType"] == "S3Prefix", is_archive=s3["CompressionType"] == "Gzip"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingContainer:
    """One container of a model.

    Attributes:
        image: Its image.
        model_data: Its model; None for an image that holds its own.
        environment: Its variables.
        mode: SingleModel or MultiModel; for MultiModel the model's URI is the prefix of all models.
        hostname: Its name in logs and messages; empty for the only one.
        caches_models: Whether loaded models of a multi-model container are kept (ModelCacheSetting).
        additional: Further model data by channel name (AdditionalModelDataSources).
    """

    image: str
    model_data: ModelData | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    mode: str = SINGLE_MODEL
    hostname: str = ""
    caches_models: bool = True
    additional: Mapping[str, ModelData] = field(default_factory=dict)

    @property
    def is_multi_model(self) -> bool:
        """Whether models are named by each invocation."""
        return self.mode == MULTI_MODEL

    @classmethod
    def of(cls, definition: Mapping[str, Any]) -> ServingContainer:
        """From CreateModel's container definition."""
        data: ModelData | None = None
        if "ModelDataSource" in definition:
            data = ModelData.of(definition["ModelDataSource"])
        elif "ModelDataUrl" in definition:
            data = ModelData(uri=definition["ModelDataUrl"])
        cache = definition.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
        return cls(
            image=definition.get("Image", ""),
            model_data=data,
            environment=dict(definition.get("Environment", {})),
            mode=definition.get("Mode", SINGLE_MODEL),
            hostname=definition.get("ContainerHostname", ""),
            caches_models=cache != "Disabled",
            additional={
                each["ChannelName"]: ModelData.of(each) for each in definition.get("AdditionalModelDataSources", ())
            },
        )


def containers_of(model: Mapping[str, Any]) -> list[ServingContainer]:
    """The containers of a CreateModel request or a DescribeModel reply, in the order in which they are chained."""
    several = model.get("Containers") or []
    definitions = several or ([model["PrimaryContainer"]] if "PrimaryContainer" in model else [])
    found = [ServingContainer.of(definition) for definition in definitions]
    if len(found) < 2:
        return found
    return [_named(container, number) for number, container in enumerate(found, start=1)]


def _named(container: ServingContainer, number: int) -> ServingContainer:
    return container if container.hostname else replace(container, hostname=f"container-{number}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """What a model answered.

    Attributes:
        status: The HTTP status of the container that decided it; 0 when it did not answer at all.
        body: The reply's body, or the reason for there being none.
        content_type: Its content type.
        headers: The reply's headers, in lower case.
        container: The name of the container that decided it: `primary`, or its hostname in a pipeline.
    """

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    container: str = PRIMARY

    @property
    def succeeded(self) -> bool:
        """Whether the model answered well."""
        return 200 <= self.status < 300
