"""Data channels, as `{name: where}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.origins import Origin, origins


def channel_list(channels: Mapping[str, Any], *, content_type: str = "", input_mode: str = "") -> list[dict[str, Any]]:
    """The spec's `inputDataConfig`.

    Args:
        channels: by name; each an s3:// URI, or a whole channel as a manifest has it.
        content_type: of the channels that name none.
        input_mode: of the channels that name none.

    Raises:
        InputError: a channel is neither, or says another name.
    """
    defaults = {"contentType": content_type, "inputMode": input_mode}
    asked = {key: value for key, value in defaults.items() if value}
    return [{**asked, **_channel(name, value)} for name, value in channels.items()]


def channel_origins(channels: Mapping[str, Any], prefix: str = "") -> tuple[Origin, ...]:
    """The inputs that `inputDataConfig`, below a prefix, was made of: also those for channels that say nothing else."""
    named = {"contentType": "content_type", "inputMode": "input_mode"}
    return (
        *origins(prefix, channels="inputDataConfig"),
        *(
            Origin(name, f"{prefix}inputDataConfig.{number}.{field}")
            for number, value in enumerate(channels.values())
            for field, name in named.items()
            if not (isinstance(value, Mapping) and field in value)
        ),
    )


def _channel(name: str, value: Any) -> dict[str, Any]:
    field = f"channels.{name}"
    if isinstance(value, str):
        return {"channelName": name, "dataSource": {"s3DataSource": {"s3Uri": s3_uri(value, field)}}}
    if not isinstance(value, Mapping):
        raise InputError(field, f"must be an s3:// URI or a whole channel (an object), and is {value!r}")
    if value.get("channelName", name) != name:
        raise InputError(f"{field}.channelName", f"is {value['channelName']!r}: leave it out, or call the channel so")
    return {"channelName": name, **value}


def optional_s3_uri(value: str, field: str) -> str:
    """Return an s3:// URI as it is, or "" for none.

    Raises:
        InputError: it is something else.
    """
    return s3_uri(value, field) if value else ""


def s3_uri(value: Any, field: str) -> str:
    """Return an s3:// URI as it is.

    Raises:
        InputError: it is something else.
    """
    if isinstance(value, str) and value.startswith("s3://") and len(value) > len("s3://"):
        return value
    raise InputError(field, f"must be an s3:// URI, and is {value!r}")
