"""What counts as a write, and what does not."""

import pytest
from faults.writes import aws_write, kubernetes_write

_OWN = "/apis/sagebridge.io/v1alpha1/namespaces/a/trainingjobs"


@pytest.mark.parametrize(
    ("method", "path", "want", "reason"),
    [
        ("PATCH", f"{_OWN}/x", "PATCH trainingjobs", "the finalizer"),
        (
            "PATCH",
            f"{_OWN}/x/status?fieldManager=y",
            "PATCH trainingjobs/status",
            "a subresource, with a query",
        ),
        ("DELETE", f"{_OWN}/x", "DELETE trainingjobs", "a deletion"),
        ("POST", "/api/v1/namespaces/a/configmaps", "POST configmaps", "the core group has another path"),
        ("PATCH", "/apis/sagebridge.io/v1alpha1/tenantpolicies/x", "PATCH tenantpolicies", "cluster-scoped"),
        ("GET", f"{_OWN}/x", None, "a read"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/x", None, "the clock renews Leases"),
        ("POST", "/api/v1/namespaces/a/events", None, "Events are for people"),
    ],
)
def test_kubernetes(method: str, path: str, want: str | None, reason: str) -> None:
    assert kubernetes_write(method, path) == want, reason


@pytest.mark.parametrize(
    ("method", "headers", "want", "reason"),
    [
        ("POST", {"x-amz-target": "SageMaker.CreateTrainingJob"}, "CreateTrainingJob", "makes a job"),
        ("POST", {"x-amz-target": "SageMaker.StopTrainingJob"}, "StopTrainingJob", "ends one"),
        ("POST", {"x-amz-target": "SageMaker.AddTags"}, "AddTags", "changes tags"),
        ("POST", {"x-amz-target": "SageMaker.UpdateEndpoint"}, "UpdateEndpoint", "changes an endpoint"),
        (
            "POST",
            {"x-amz-target": "AnyScaleFrontendService.RegisterScalableTarget"},
            "RegisterScalableTarget",
            "scales",
        ),
        (
            "POST",
            {"x-amz-target": "AnyScaleFrontendService.DeregisterScalableTarget"},
            "DeregisterScalableTarget",
            "ends it",
        ),
        (
            "POST",
            {"x-amz-target": "AnyScaleFrontendService.DescribeScalableTargets"},
            None,
            "a read of another service",
        ),
        ("POST", {"x-amz-target": "GraniteServiceVersion20100801.PutMetricAlarm"}, None, "the operator calls no other"),
        ("POST", {"x-amz-target": "SageMaker.ListTags"}, None, "a read, though all are POSTs"),
        ("POST", {"x-amz-target": "SageMaker.DescribeTrainingJob"}, None, "a read"),
        ("PUT", {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/r/s3/aws4_request"}, "PUT object", "upload"),
        ("HEAD", {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/r/s3/aws4_request"}, None, "a read of S3"),
        ("POST", {"authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/r/sts/aws4_request"}, None, "STS asks only"),
    ],
)
def test_aws(method: str, headers: dict[str, str], want: str | None, reason: str) -> None:
    assert aws_write(method, headers) == want, reason
