"""Endpoint: SageMaker's CreateModel, CreateEndpointConfig and CreateEndpoint, with Application Auto Scaling."""

from __future__ import annotations

from dataclasses import replace

from sagebridge.core.cluster.serving.endpoint_refusals import ONE_VARIANT, REFUSALS, VARIANT_REFUSALS
from sagebridge.core.cluster.serving.refusals import MULTI_MODEL, PIPELINE
from sagebridge.core.endpoint.deployment_sizes import LEAST_PERCENT, MOST_PERCENT, NEEDED, PERCENT
from sagebridge.kinds.rules import ON_CLUSTER, ONE_SOURCE, PLAINTEXT, asks
from sagebridge.schema import common_fields, endpoint_cluster, endpoint_fields
from sagebridge.schema.kind import Column, KindSchema, Rule

_VARIANT = "productionVariants[]"

_DEPLOYMENT = "deploymentConfig"
_ROUTING = f"{_DEPLOYMENT}.blueGreenUpdatePolicy.trafficRoutingConfiguration"
# The bounds are AWS's, with their sources in core/endpoint/deployment_sizes.py; counts of instances are compared there.
_SIZES = tuple(
    Rule(
        at=f"{at}.{name}",
        rule=f"self.type != '{PERCENT}' || (self.value >= {LEAST_PERCENT[name]} && self.value <= {MOST_PERCENT})",
        message=f"{name} must be {LEAST_PERCENT[name]} to {MOST_PERCENT} percent of the instances",
    )
    for at, name in (
        (_ROUTING, "canarySize"),
        (_ROUTING, "linearStepSize"),
        (f"{_DEPLOYMENT}.rollingUpdatePolicy", "maximumBatchSize"),
    )
)

_PRESENT = tuple(
    Rule(
        at=_ROUTING,
        rule=f"self.type != '{kind}' || has(self.{size})",
        message=f"type {kind} needs {size}",
    )
    for kind, size in NEEDED.items()
)
# Any of these says what serves; the first is what most manifests have. A model that has containers says it in them.
_SERVING = ("image", "framework", "algorithm", "modelRef", "modelPackageArn", "modelPackageName")
_SERVED = tuple(
    Rule(
        at=at,
        rule=" || ".join(f"has(self.{name})" for name in names),
        message=f"say what serves it: {told}",
    )
    for at, names, told in (
        (
            "models[]",
            (*_SERVING, "containers", "primaryContainer"),
            "image, framework, algorithm, modelRef or modelPackageArn",
        ),
        ("models[].containers[]", _SERVING, "image, framework, algorithm, modelRef or modelPackageArn"),
        ("models[].primaryContainer", ("image", "modelPackageName"), "image or modelPackageName"),
    )
)

_AT_ENVIRONMENTS = tuple(
    f"{at}.environmentFrom[]" for at in ("models[]", "models[].containers[]", "models[].primaryContainer")
)
_OF_SECRETS = "environmentFrom.all(source, !has(source.secretRef))"
_ENVIRONMENT = (
    *(replace(ONE_SOURCE, at=at) for at in _AT_ENVIRONMENTS),
    # A pipeline is not there on the cluster.
    Rule(at="models[].containers[].environmentFrom[]", rule="!has(self.secretRef)", message=PLAINTEXT),
    Rule(
        rule="!has(self.models) || self.models.all(model, "
        f"(!has(model.environmentFrom) || model.{_OF_SECRETS}) && (!has(model.primaryContainer) || "
        f"!has(model.primaryContainer.environmentFrom) || model.primaryContainer.{_OF_SECRETS})) || {ON_CLUSTER}",
        message=PLAINTEXT,
    ),
)

_ONE_TARGET = (
    Rule(
        rule=f"({ON_CLUSTER}) == ({ON_CLUSTER.replace('self', 'oldSelf')})",
        message="an endpoint does not move: to change its target, delete this Endpoint and make it anew",
    ),
    Rule(
        rule=f"!has(self.cluster) || {ON_CLUSTER}",
        message="cluster goes with target: Cluster: set target, or remove cluster",
    ),
)
_CLUSTER = (
    *_ONE_TARGET,
    Rule(rule=f"!({ON_CLUSTER} && self.productionVariants.size() != 1)", message=ONE_VARIANT),
    *(Rule(rule=f"!({asks(refusal)} && {ON_CLUSTER})", message=refusal.message) for refusal in REFUSALS),
    *(
        Rule(
            rule=f"!({ON_CLUSTER} && self.productionVariants.exists(variant, {asks(refusal, of='variant')}))",
            message=refusal.message,
        )
        for refusal in VARIANT_REFUSALS
    ),
    Rule(
        rule=f"!({ON_CLUSTER} && has(self.models) && self.models.exists(model, has(model.containers)))",
        message=PIPELINE,
    ),
    Rule(
        rule=f"!({ON_CLUSTER} && has(self.models)"
        " && self.models.exists(model, model.?mode.orValue('SingleModel') == 'MultiModel'))",
        message=MULTI_MODEL,
    ),
)

# Rules sit on the field they are about, and ask first what most manifests do not have: docs/decisions/
# work-before-word.md. What takes more than a field to tell is refused by the operator (core/endpoint/refusals.py).
_RULES = (
    Rule(
        # What appears or goes has no oldSelf of its own.
        rule="has(self.endpointName) == has(oldSelf.endpointName)",
        message="endpointName can be neither added nor removed, since callers know the endpoint by its name: to rename "
        "it, delete this Endpoint and make it anew",
    ),
    Rule(
        at="endpointName",
        rule="self == oldSelf",
        message="callers know the endpoint by its name: to rename it, delete this Endpoint and make it anew",
    ),
    Rule(
        at="region",
        rule="self == oldSelf",
        message="an endpoint does not move: to change its region, delete this Endpoint and make it anew",
    ),
    Rule(
        rule="!has(self.replicas) || self.productionVariants.all(variant, !has(variant.initialInstanceCount))",
        message="the number of instances is said twice: give replicas (which kubectl scale sets) or "
        "initialInstanceCount, not both",
    ),
    Rule(
        at=_VARIANT,
        rule="has(self.serverlessConfig) ? !has(self.instanceType) && !has(self.initialInstanceCount)"
        " : has(self.instanceType) || has(self.instancePools)",
        message="say what to run on: instanceType, such as ml.m5.xlarge, or serverlessConfig, which has no instances",
    ),
    Rule(
        at=f"{_VARIANT}.autoscaling",
        rule="self.minCapacity <= self.maxCapacity",
        message="minCapacity must not be more than maxCapacity",
    ),
    Rule(
        at=f"{_VARIANT}.autoscaling",
        rule="has(self.targetValue) || !(has(self.metric) || has(self.customizedMetric) || has(self.disableScaleIn)"
        " || has(self.scaleInCooldown) || has(self.scaleOutCooldown))",
        message="give targetValue, which the metric is kept at",
    ),
    Rule(
        at=f"{_VARIANT}.autoscaling",
        rule="!has(self.customizedMetric) || !has(self.metric)",
        message="give metric or customizedMetric, not both",
    ),
    Rule(
        at=f"{_VARIANT}.autoscaling.scheduled[]",
        rule="has(self.minCapacity) || has(self.maxCapacity)",
        message="say what changes then: minCapacity, maxCapacity or both",
    ),
    Rule(
        at=_DEPLOYMENT,
        rule="!has(self.blueGreenUpdatePolicy) || !has(self.rollingUpdatePolicy)",
        message="give blueGreenUpdatePolicy or rollingUpdatePolicy, not both",
    ),
    *_SIZES,
    *_PRESENT,
    *_SERVED,
    *_ENVIRONMENT,
    *_CLUSTER,
    Rule(
        at="tags",
        rule="self.all(tag, !tag.key.startsWith('sagebridge.io/') && !tag.key.startsWith('aws:'))",
        message="tags that start with sagebridge.io/ mark what the operator owns, and those with aws: are AWS's: "
        "choose another key",
    ),
)

SCHEMA = KindSchema(
    kind="Endpoint",
    plural="sagemakerendpoints",
    singular="sagemakerendpoint",
    short_names=("smep",),
    description="A SageMaker endpoint with its models: spec is the request of CreateEndpointConfig in lowerCamelCase, "
    "with models, autoscaling and deployment on top. Edits are rolled out without a gap.",
    operation="CreateEndpointConfig",
    describe_operation="DescribeEndpoint",
    name_field="endpointName",
    optional_fields=frozenset({"endpointConfigName"}),
    omitted_fields=frozenset({"endpointConfigName", "executionRoleArn"}),
    fields={
        "target": endpoint_cluster.target(),
        "cluster": endpoint_cluster.cluster(),
        "region": common_fields.region(),
        "roleArn": common_fields.role_arn(),
        "endpointName": endpoint_fields.endpoint_name(),
        "models": endpoint_fields.models(),
        "productionVariants[].autoscaling": endpoint_fields.autoscaling(),
        "deploymentConfig": endpoint_fields.deployment_config(),
        "replicas": endpoint_fields.replicas(),
        "history": endpoint_fields.history(),
        "runPolicy": endpoint_fields.run_policy(),
    },
    required_fields=(),
    rules=_RULES,
    status_fields=(
        "endpointName",
        "endpointArn",
        "endpointConfigName",
        "endpointStatus",
        "failureReason",
        "creationTime",
        "lastModifiedTime",
    ),
    own_status_fields=endpoint_fields.status(),
    is_job=False,
    scale=True,
    columns=(
        Column(
            name="STATUS",
            path='.status.conditions[?(@.type=="Ready")].reason',
            description="Where the object stands, in one word.",
        ),
        Column(name="STATE", path=".status.endpointStatus", description="SageMaker's status of the endpoint."),
        Column(name="STAGE", path=".status.stage", description="Where the deployment under way stands; else empty."),
        Column(
            name="INSTANCES",
            path=".status.replicas",
            type="integer",
            description="Instances of its production variants, together.",
        ),
        Column(name="VARIANTS", path=".status.traffic"),
        Column(
            name="INSTANCE-TYPE",
            path=".status.instanceTypes",
            wide=True,
            description="What the production variants run on; a shadow variant's is added where it is another.",
        ),
        Column(name="READY", path='.status.conditions[?(@.type=="Ready")].status', wide=True),
        Column(name="ENDPOINT", path=".status.endpointName", wide=True, description="Its name in SageMaker."),
        Column(name="CONFIG", path=".status.endpointConfigName", wide=True),
        Column(name="MESSAGE", path='.status.conditions[?(@.type=="Ready")].message', wide=True),
    ),
)
