"""How captured data is written down."""

import pytest
from sagebridge_local.sagemaker.endpoints import capture

HEADERS = {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json", "application/x-rows"]}


@pytest.mark.parametrize(
    ("reason", "headers", "content_type", "want"),
    [
        ("nothing is named", None, "text/csv", ("BASE64", "MSwy")),
        ("nothing is named for JSON either", None, "application/json", ("BASE64", "MSwy")),
        ("named as CSV", HEADERS, "text/csv; charset=utf-8", ("CSV", "1,2")),
        ("named as JSON", HEADERS, "application/x-rows", ("JSON", "1,2")),
        ("another type than those that are named", HEADERS, "text/plain", ("BASE64", "MSwy")),
        ("only CSV is named", {"CsvContentTypes": ["text/csv"]}, "application/json", ("BASE64", "MSwy")),
    ],
)
def test_the_encoding(reason, headers, content_type, want):
    config = {"CaptureOptions": [{"CaptureMode": "Input"}]}
    config |= {"CaptureContentTypeHeader": headers} if headers else {}

    line = capture.record(
        config, given=(b"1,2", content_type), answered=(b"", ""), at=0.0, inference_id=None, custom_attributes=None
    )
    side = line["captureData"]["endpointInput"]

    assert (side["encoding"], side["data"]) == want, reason
