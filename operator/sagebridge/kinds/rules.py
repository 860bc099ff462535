"""CEL rules on the fields that kinds have in common.

Each field of `spec` that a rule asks for costs the API server microseconds, at every write of an object: rules sit on
the field they are about.
"""

from __future__ import annotations

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

ENVIRONMENT = (
    Rule(
        at="environmentFrom[]",
        rule="!has(self.secretRef)",
        message="SageMaker shows environment variables in plaintext, so a Secret does not belong there: keep it in AWS "
        "Secrets Manager and read it in your code with the job's role "
        "(https://docs.aws.amazon.com/secretsmanager/latest/userguide/integrating-sagemaker.html)",
    ),
    Rule(
        at="environmentFrom[]",
        rule="has(self.configMapRef) != has(self.secretRef)",
        message="give exactly one of configMapRef or secretRef",
    ),
)

TARGET = (
    Rule(
        at="target",
        rule="self != 'Cluster'",
        message="target: Cluster is not available in this version; remove target or use SageMaker",
    ),
    Rule(
        at="cluster", rule="false", message="cluster goes with target: Cluster, which is not available in this version"
    ),
    *ENVIRONMENT,
)

TAGS = (
    Rule(
        at="tags",
        rule="self.all(tag, !tag.key.startsWith('sagebridge.io/') && !tag.key.startsWith('aws:'))",
        message="tags that start with sagebridge.io/ mark what the operator owns, and those with aws: are AWS's: "
        "choose another key",
    ),
)
