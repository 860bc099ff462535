"""The example manifests are admitted by the API server as they stand, without an unknown field."""

from pathlib import Path

import kubernetes
import pytest
import yaml

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(
    path
    for kind in ("*job", "batchtransform", "cluster", "endpoint", "end-to-end", "end-to-end/*")
    for path in (ROOT / "examples").glob(f"{kind}/*.yaml")
)
PATHS = {
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "HPTuningJob": "/apis/sagebridge.io/v1alpha1/namespaces/{namespace}/hptuningjobs",
    "BatchTransform": "/apis/sagebridge.io/v1alpha1/namespaces/{namespace}/batchtransforms",
    "ProcessingJob": "/apis/sagebridge.io/v1alpha1/namespaces/{namespace}/processingjobs",
    "Endpoint": "/apis/sagebridge.io/v1alpha1/namespaces/{namespace}/sagemakerendpoints",
    "TrainingJob": "/apis/sagebridge.io/v1alpha1/namespaces/{namespace}/trainingjobs",
}


@pytest.mark.controlplane
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_admitted(path: Path, kube: kubernetes.client.ApiClient, namespace: str) -> None:
    for manifest in yaml.safe_load_all(path.read_text()):
        answer, status, _ = kube.call_api(
            PATHS[manifest["kind"]].format(namespace=namespace) + "?dryRun=All&fieldValidation=Strict",
            "POST",
            body=manifest,
            header_params={"Content-Type": "application/json", "Accept": "application/json"},
            auth_settings=["BearerToken"],
            response_type="object",
        )
        assert status == 201
        assert {key: answer.get(key) for key in ("spec", "data")} == {
            key: manifest.get(key) for key in ("spec", "data")
        }
