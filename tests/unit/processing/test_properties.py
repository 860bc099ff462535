"""What holds for every spec."""

from typing import Any

from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge.core.errors import SpecError
from sagebridge.core.processing import ADDED_FIELDS, resolve
from sagebridge.schema.convert import from_request, to_request
from sagebridge.schema.model import input_shape
from support.requests import manifests

from tests.unit.processing.jobs import athena, context, output, outputs, own_image, s3_input, script
from tests.unit.training.specs import anything

OPERATION = "CreateProcessingJob"
relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
WHOLE = script(processingInputs=[s3_input(), athena()], **outputs(output("a"), output("b", s3Uri="s3://x/y")))


def outcome(spec: Any) -> dict[str, Any] | SpecError:
    try:
        return resolve(spec, context())
    except SpecError as error:
        return error


def valid(request: dict[str, Any]) -> str:
    """What botocore says against a request; empty if nothing."""
    report = ParamValidator().validate(request, input_shape(OPERATION))
    return report.generate_report() if report.has_errors() else ""


@relaxed
@given(spec=manifests(OPERATION))
def test_whatever_the_api_takes_becomes_a_request_or_a_refusal(spec: dict[str, Any]) -> None:
    resolved = outcome(spec)
    if isinstance(resolved, SpecError):
        return
    request = to_request(OPERATION, resolved)
    assert valid(request) == ""
    assert from_request(OPERATION, request) == resolved


@st.composite
def broken(draw: st.DrawFn) -> Any:
    """A whole spec in which something, somewhere, is something else."""

    def spoil(value: Any) -> Any:
        if isinstance(value, dict) and value and draw(st.integers(0, 9)):
            key = draw(st.sampled_from(sorted(value)))
            return {**value, key: spoil(value[key])}
        if isinstance(value, list) and value and draw(st.integers(0, 9)):
            index = draw(st.integers(0, len(value) - 1))
            return [*value[:index], spoil(value[index]), *value[index + 1 :]]
        return draw(anything)

    return spoil(draw(st.sampled_from([WHOLE, own_image()])))


@relaxed
@given(spec=broken() | anything)
def test_broken_specs_are_refused_by_name_or_accepted_but_never_crash(spec: Any) -> None:
    result = outcome(spec)
    if isinstance(result, SpecError):
        assert result.field.partition(".")[0].partition("[")[0] == "spec"
        assert result.message


def test_fields_on_top_are_no_members_of_the_request() -> None:
    assert not {field[0].upper() + field[1:] for field in ADDED_FIELDS} & set(input_shape(OPERATION).members)
