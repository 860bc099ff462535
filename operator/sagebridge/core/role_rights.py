"""What SageMaker says where the execution role has too few rights: nothing is wrong with the request then.

It does so with a ValidationException, as of a wrong value. Only what it says of nothing else is known here: of objects
that it does not find ("No S3 objects found under S3 URL ..."), it can't tell whether the role may not list them, or
they are not there.

Sources:
    https://github.com/awslabs/predictive-maintenance-using-machine-learning/issues/3 (CreateTransformJob: "Could not
    assume role ... Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' to ...")
    https://github.com/bentoml/BentoML/issues/892 (CreateModel: "The execution role ARN ... is invalid. Please ensure
    that the role exists and that its trust relationship policy allows the action "sts:AssumeRole" ...")
    https://github.com/aws/amazon-sagemaker-examples/issues/2489 (CreateTrainingJob: "No S3 objects found under S3 URL
    ... Please ensure that ..., and that the role ... has "s3:ListBucket" permissions on bucket ...")
    https://github.com/aws/amazon-sagemaker-examples/issues/1797 ("... does not have BatchGetImage permission for ...")
"""

from __future__ import annotations

import re
from typing import Final

_CODES: Final = frozenset({"ValidationException", "ValidationError"})
_OPERATIONS: Final = ("Create", "Update")
_TEXT: Final = re.compile(
    r"could not assume role|trust relationship policy allows|could not access model data|access denied|"
    r"not authorized to perform|does not have [\w:]+ permission|does not grant \w+:",
    re.IGNORECASE,
)
# Such messages repeat values of the request, which may be any words.
_OF_VALUES: Final = re.compile(r"validation errors? detected", re.IGNORECASE)

ADVICE: Final = (
    "Check that the execution role exists, that its trust policy lets SageMaker assume it, and that it may use the "
    "bucket, key or image."
)

ADVICE_ON_OBJECTS: Final = (
    "Correct the URI, or put the objects there; if they are there, the execution role may not list the bucket "
    "(s3:ListBucket), for which SageMaker has the same words."
)
"""The advice where SageMaker finds no objects, be it for want of rights."""

_NO_OBJECTS: Final = re.compile(r"^no s3 objects found under s3 url", re.IGNORECASE)


def are_missing(*, code: str, message: str, operation: str) -> bool:
    """Tell whether SageMaker refuses a request for what the execution role may not do, or since it can't be assumed.

    Args:
        code: the error code of the reply.
        message: the message of the reply.
        operation: the API's name of the operation.
    """
    is_asked = code in _CODES and operation.startswith(_OPERATIONS)
    return is_asked and not _OF_VALUES.search(message) and bool(_TEXT.search(message))


def may_be_missing(*, code: str, message: str) -> bool:
    """Tell whether SageMaker refuses a request since it finds no objects, which it also says where it may not look.

    Args:
        code: the error code of the reply.
        message: the message of the reply.
    """
    return code in _CODES and bool(_NO_OBJECTS.match(message))
