"""TenantPolicy: what the namespaces it selects may do in AWS."""

from __future__ import annotations

from sagebridge.schema.blocks import choice, flag, list_of, map_of, set_of, structure, text
from sagebridge.schema.kind import Column, KindSchema, Rule

_ROLE_PATTERN = r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[a-zA-Z_0-9+=,.@/-]+$"
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"

# No empty, `.` or `..` segments: what a prefix allows must be what it says.
_KEY_SEGMENTS = r"(/[A-Za-z0-9!_.*'()=@+-]+)*/?"
_PREFIX_PATTERN = rf"^s3://{_BUCKET}{_KEY_SEGMENTS}$"
_BUCKET_PATTERN = rf"^(s3://)?{_BUCKET}{_KEY_SEGMENTS}$"


def _role(description: str) -> dict[str, object]:
    return text(description, pattern=_ROLE_PATTERN, longest=2048, shortest=20)


def _namespace_selector() -> dict[str, object]:
    requirement = structure(
        {
            "key": text("The label's name.", longest=317, shortest=1),
            "operator": choice("How the label is compared with values.", ["In", "NotIn", "Exists", "DoesNotExist"]),
            "values": list_of({"type": "string", "maxLength": 63}, "The values, for In and NotIn.", most=100),
        },
        "A condition on one label.",
        required=["key", "operator"],
    )
    return structure(
        {
            "matchLabels": map_of({"type": "string", "maxLength": 63}, "Labels that the namespace must have."),
            "matchExpressions": list_of(requirement, "Conditions that must all hold.", most=50),
        },
        "The namespaces that this policy is for. Empty selects all. A namespace must not be selected by two policies.",
    )


SCHEMA = KindSchema(
    kind="TenantPolicy",
    plural="tenantpolicies",
    short_names=("tp",),
    scope="Cluster",
    description="What the namespaces that it selects may do in AWS: Regions, roles, buckets. Once a policy exists, a "
    "namespace that none selects may do nothing.",
    fields={
        "namespaceSelector": _namespace_selector(),
        "regions": list_of(
            {"type": "string", "maxLength": 32, "pattern": r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$"},
            "The AWS Regions that may be used; the first is the default. Default: the operator's only.",
            most=50,
            least=1,
        ),
        "accountId": text(
            "The AWS account, twelve digits. When given, the operator works only if its credentials, or assumeRole's, "
            "lead there.",
            pattern=r"^[0-9]{12}$",
            longest=12,
        ),
        "assumeRole": structure(
            {
                "roleArn": _role("The role that the operator assumes for its calls."),
                "externalId": text(
                    "The external ID that the role's trust policy asks for.",
                    pattern=r"^[\w+=,.@:/-]+$",
                    longest=1224,
                    shortest=2,
                ),
            },
            "The role that the operator works under in AWS for these namespaces. Default: its own credentials.",
            required=["roleArn"],
        ),
        "executionRoles": structure(
            {
                "default": _role("The role of jobs that name none."),
                "allowed": set_of(
                    {"type": "string", "pattern": _ROLE_PATTERN, "minLength": 20, "maxLength": 2048},
                    "The roles that jobs may name. The default is always allowed.",
                    most=100,
                ),
            },
            "The roles that SageMaker assumes for the jobs.",
        ),
        "buckets": structure(
            {
                "default": text(
                    "The bucket, or s3://bucket/prefix, for the output of jobs that name none and for packed source.",
                    pattern=_BUCKET_PATTERN,
                    longest=1024,
                ),
                "allowedPrefixes": set_of(
                    {"type": "string", "pattern": _PREFIX_PATTERN, "maxLength": 1024},
                    "What jobs may read and write, as s3://bucket or s3://bucket/prefix. A prefix ends at a slash: "
                    "s3://data/team-a does not allow s3://data/team-a-evil. The default is always allowed.",
                    most=100,
                ),
            },
            "The places on S3.",
        ),
        "allowAdopt": flag(
            "Allows the annotation sagebridge.io/adopt, which takes over untagged jobs. Default: false."
        ),
    },
    required_fields=("namespaceSelector",),
    rules=(
        Rule(
            at="namespaceSelector.matchExpressions[]",
            rule="self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0"
            " : !has(self.values) || size(self.values) == 0",
            message="values goes with In and NotIn, and only with these",
        ),
        Rule(
            at="buckets",
            rule="!has(self.default) || !self.default.contains('/..') && !self.default.contains('/./')",
            message="default must not contain the path segments . or ..",
        ),
        Rule(
            at="buckets",
            rule="!has(self.allowedPrefixes) ||"
            " self.allowedPrefixes.all(prefix, !prefix.contains('/..') && !prefix.contains('/./'))",
            message="allowedPrefixes must not contain the path segments . or ..",
        ),
    ),
    columns=(
        Column(name="REGIONS", path=".spec.regions"),
        Column(name="BUCKET", path=".spec.buckets.default", description="The default bucket."),
        Column(name="ROLE", path=".spec.executionRoles.default", description="The default execution role.", wide=True),
        Column(name="ADOPT", path=".spec.allowAdopt", type="boolean", wide=True),
    ),
)
