"""Validators and patterns over the whole of botocore's model, not only what is served."""

import pytest
from sagebridge_local.sagemaker import errors, model
from sagebridge_local.sagemaker.patterns import compile_pattern


def test_every_operation_of_the_model_compiles():
    for operation in sorted(model.operation_names()):
        validate = model.request_validator(operation)
        with pytest.raises(errors.ServiceError, match=r"Unknown parameter|validation error"):
            validate({"SurelyNotAParameter": 1})


# Not regular expressions in any dialect: `${1,128}` repeats an end of line.
BROKEN = {"CustomerMetadataKey", "CustomerMetadataValue"}


def test_all_patterns_of_the_model_are_enforced_but_those_that_are_broken():
    service = model.service_model()
    patterns = {name: service.shape_for(name).metadata.get("pattern") for name in service.shape_names}
    broken = {name for name, pattern in patterns.items() if pattern and compile_pattern(pattern) is None}
    assert broken <= BROKEN


@pytest.mark.parametrize(
    ("pattern", "text", "want"),
    [
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Größe 1", True),
        (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "a&b", False),
        (r"arn:[\p{Alnum}\-]+:lambda", "arn:aws-cn:lambda", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "\N{ROCKET} x\t", True),
        (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*", "\x01", False),
        (r"\d+K", "٣K", False),
    ],
)
def test_java_patterns_keep_their_meaning(pattern, text, want):
    assert (compile_pattern(pattern).fullmatch(text) is not None) is want
