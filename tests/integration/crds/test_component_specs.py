"""What the pipeline components make is admitted: by the schemas, and by the rules between fields."""

from pathlib import Path
from typing import Any

import kubernetes
import pytest
from sagebridge.schema.kind import GROUP, VERSION
from support.kfp_cases import CASES, Case
from support.kfp_compat import spec
from support.kfp_compat_cases import ADMITTED
from support.kfp_steps import component, spec_of

PLURALS = {
    "TrainingJob": "trainingjobs",
    "HPTuningJob": "hptuningjobs",
    "BatchTransform": "batchtransforms",
    "ProcessingJob": "processingjobs",
    "Endpoint": "sagemakerendpoints",
}


def admit(kube: kubernetes.client.ApiClient, namespace: str, kind: str, spec: dict[str, Any]) -> Any:
    """What the API server would store."""
    manifest = {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": "step"}, "spec": spec}
    stored = kubernetes.client.CustomObjectsApi(kube).create_namespaced_custom_object(
        GROUP, VERSION, namespace, PLURALS[kind], manifest, dry_run="All", field_validation="Strict"
    )
    return stored["spec"]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.op}-{case.reason}" for case in CASES])
def test_admitted(case: Case, kube: kubernetes.client.ApiClient, namespace: str) -> None:
    wanted = spec_of(case.op, **case.inputs)

    assert admit(kube, namespace, component(case.op).kind, wanted) == wanted


@pytest.mark.parametrize("case", ADMITTED)
def test_what_former_components_make_is_admitted(
    case: str, kube: kubernetes.client.ApiClient, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = case.partition("-")[0]
    made = spec(name, tmp_path, monkeypatch, **ADMITTED[case])

    assert admit(kube, namespace, component(f"compat.{name}").kind, made) == made
