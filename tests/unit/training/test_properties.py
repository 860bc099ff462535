from typing import Any

import botocore.session
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge.core.container import hyperparameters as toolkit
from sagebridge.core.errors import SpecError
from sagebridge.core.training import ADDED_FIELDS, resolve
from sagebridge.schema.convert import from_request, to_request
from sagebridge.schema.model import input_shape

from tests.unit.training.jobs import context, script
from tests.unit.training.specs import anything, broken_specs, names, scalars, specs

CONTEXTS = st.builds(
    context,
    source_uri=st.just("s3://staging/key/sourcedir.tar.gz"),
    model_artifact=st.sampled_from([None, "s3://bucket/model.tar.gz"]),
    environment=st.dictionaries(st.sampled_from(["A", "B"]), st.text(max_size=5), max_size=2),
)
relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def outcome(spec: Any, given_context: Any) -> dict[str, Any] | SpecError:
    try:
        return resolve(spec, given_context)
    except SpecError as error:
        return error


@relaxed
@given(spec=specs(), given_context=CONTEXTS)
def test_what_is_accepted_becomes_a_request_that_botocore_accepts(spec: dict[str, Any], given_context: Any) -> None:
    resolved = outcome(spec, given_context)
    if isinstance(resolved, SpecError):
        return
    request = to_request("CreateTrainingJob", resolved)
    report = ParamValidator().validate(request, input_shape("CreateTrainingJob"))
    assert not report.has_errors(), report.generate_report()
    assert from_request("CreateTrainingJob", request) == resolved


@relaxed
@given(spec=broken_specs() | anything, given_context=CONTEXTS)
def test_broken_specs_are_refused_by_name_or_accepted_but_never_crash(spec: Any, given_context: Any) -> None:
    result = outcome(spec, given_context)
    if isinstance(result, SpecError):
        assert result.field.partition(".")[0].partition("[")[0] == "spec"
        assert result.message


@relaxed
@given(values=st.dictionaries(names, scalars | st.lists(scalars, max_size=3), max_size=5))
def test_the_script_reads_back_the_hyperparameters_that_were_written(values: dict[str, Any]) -> None:
    sent = resolve(script(hyperParameters=values), context())["hyperParameters"]
    assert toolkit.read(sent).user == values


def test_fields_on_top_are_no_members_of_the_request() -> None:
    shape = botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob")
    assert not {field[0].upper() + field[1:] for field in ADDED_FIELDS} & set(shape.input_shape.members)
