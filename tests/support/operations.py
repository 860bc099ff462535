"""The Create operations of the product's kinds, each as a bare kind: no fields on top, no rules of its own."""

from typing import Any

from sagebridge.schema.crd import crd
from sagebridge.schema.kind import KindSchema

# Operation -> the operation that describes what it makes.
OPERATIONS = {
    "CreateTrainingJob": "DescribeTrainingJob",
    "CreateHyperParameterTuningJob": "DescribeHyperParameterTuningJob",
    "CreateTransformJob": "DescribeTransformJob",
    "CreateModel": "DescribeModel",
    "CreateEndpointConfig": "DescribeEndpointConfig",
    "CreateEndpoint": "DescribeEndpoint",
    "UpdateEndpoint": "DescribeEndpoint",
    "CreateProcessingJob": "DescribeProcessingJob",
    "CreateAutoMLJobV2": "DescribeAutoMLJobV2",
    "CreateCompilationJob": "DescribeCompilationJob",
    "CreateModelPackage": "DescribeModelPackage",
    "CreateModelPackageGroup": "DescribeModelPackageGroup",
    "CreateMonitoringSchedule": "DescribeMonitoringSchedule",
    "CreateInferenceRecommendationsJob": "DescribeInferenceRecommendationsJob",
    "CreatePipeline": "DescribePipeline",
    "StartPipelineExecution": "DescribePipelineExecution",
    "CreateFeatureGroup": "DescribeFeatureGroup",
    "CreateLabelingJob": "DescribeLabelingJob",
}

# Beside the product's group, so that a cluster can hold both.
BARE_GROUP = "bare.sagebridge.test"


def bare_kind(operation: str, **declared: Any) -> KindSchema:
    """The smallest declaration of a kind for an operation; `declared` adds to it."""
    return KindSchema(
        kind=operation,
        plural=f"{operation.lower()}s",
        description=f"The request of {operation}.",
        operation=operation,
        describe_operation=OPERATIONS[operation],
        **declared,
    )


def bare_crd(operation: str, **declared: Any) -> dict[str, Any]:
    """The CRD of a bare kind, in a group of its own."""
    definition = crd(bare_kind(operation, **declared))
    definition["spec"]["group"] = BARE_GROUP
    definition["metadata"]["name"] = f"{operation.lower()}s.{BARE_GROUP}"
    del definition["spec"]["names"]["categories"]
    return definition
