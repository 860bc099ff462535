"""CEL rules on the fields that kinds have in common.

Each field of `spec` that a rule asks for costs the API server microseconds, at every write of an object: rules sit on
the field they are about.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sagebridge.core.cluster.refusals import PIPE_MODE, Refusal
from sagebridge.schema.kind import Rule

SOURCE = (
    Rule(
        at="source",
        rule="has(self.s3Uri) != has(self.configMap)",
        message="say where the code is, by exactly one of s3Uri (a .tar.gz, see `sagebridge source push`) or configMap",
    ),
    Rule(
        at="source",
        rule="!has(self.s3Uri) || self.s3Uri.endsWith('.tar.gz')",
        message="s3Uri must be one .tar.gz: pack a directory with `sagebridge source push DIR S3URI`",
    ),
    Rule(
        at="source",
        rule="!self.entryPoint.contains('..')",
        message="entryPoint must be a file inside the source, without ..",
    ),
)

ONE_SOURCE = Rule(
    at="environmentFrom[]",
    rule="has(self.configMapRef) != has(self.secretRef)",
    message="give exactly one of configMapRef or secretRef",
)
PLAINTEXT = (
    "SageMaker shows environment variables in plaintext, so a Secret does not belong there: keep it in AWS "
    "Secrets Manager and read it in your code with its role "
    "(https://docs.aws.amazon.com/secretsmanager/latest/userguide/integrating-sagemaker.html)"
)

ON_CLUSTER = "self.?target.orValue('SageMaker') == 'Cluster'"
_PIPE = (
    "(self.?algorithmSpecification.?trainingInputMode.orValue('File') == 'Pipe' || has(self.inputDataConfig) && "
    "self.inputDataConfig.exists(channel, channel.?inputMode.orValue('File') == 'Pipe'))"
)


def either_target(refusals: Iterable[Refusal], *, has_channels: bool = True) -> tuple[Rule, ...]:
    """The rules of a kind that runs on SageMaker and on the cluster, which refuses some of SageMaker's fields.

    Args:
        refusals: what it refuses there.
        has_channels: whether its specs have training channels.
    """
    return (
        Rule(
            rule=f"!has(self.cluster) || {ON_CLUSTER}",
            message="cluster goes with target: Cluster: set target, or remove cluster",
        ),
        Rule(
            rule=f"!has(self.environmentFrom) || {ON_CLUSTER} || "
            "self.environmentFrom.all(source, !has(source.secretRef))",
            message=PLAINTEXT,
        ),
        ONE_SOURCE,
        *([Rule(rule=f"!({ON_CLUSTER} && {_PIPE})", message=PIPE_MODE)] if has_channels else []),
        *(Rule(rule=f"!({asks(refusal)} && {ON_CLUSTER})", message=refusal.message) for refusal in refusals),
    )


def asks(refusal: Refusal, *, of: str = "self") -> str:
    """Whether a spec has the field, with a value that asks for something; `of` is what has it, in CEL."""
    *lists, field = refusal.field.split("[].")
    if lists:
        return f"{_in_list(of, lists[0])}.exists(each, {asks(replace(refusal, field=field), of='each')})"
    given = f"{of}." + ".".join(f"?{name}" for name in field.split("."))
    if refusal.unless is None:
        return f"{given}.hasValue()"
    if isinstance(refusal.unless, str):
        return f"{given}.orValue('{refusal.unless}') != '{refusal.unless}'"
    return f"{given}.orValue({str(refusal.unless).lower()})"


def _in_list(of: str, field: str) -> str:
    """A list where it is there; behind orValue, the API server would reckon with one of any length."""
    names = field.split(".")
    paths = [".".join((of, *names[: depth + 1])) for depth in range(len(names))]
    return " && ".join((*(f"has({path})" for path in paths), paths[-1]))


TAGS = (
    Rule(
        at="tags",
        rule="self.all(tag, !tag.key.startsWith('sagebridge.io/') && !tag.key.startsWith('aws:'))",
        message="tags that start with sagebridge.io/ mark what the operator owns, and those with aws: are AWS's: "
        "choose another key",
    ),
)
