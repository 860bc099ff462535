"""The chart's values and the operator's settings are the same things."""

import json
import re
import runpy
from typing import Any

import pytest
import yaml
from sagebridge.settings import Settings

from .helm import CHART, ROOT, VALUE_SETS, Helm, environment, one

LEASE = {"lease_namespace", "lease_name", "lease_identity"}
FIXED_BY_THE_CHART = LEASE | {
    "watch_namespaces",
    "health_port",
    "logs_url",
    "logs_port",
    "agent_image",
    "cluster_fast_file_volumes",
}
OWN_DEFAULTS = {"log_format": "json"}
PREFIX = "SAGEBRIDGE_"


def snake(key: str) -> str:
    return re.sub("([A-Z])", r"_\1", key).lower()


def values() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return loaded


def test_every_setting_has_a_value() -> None:
    assert {snake(key) for key in values()["settings"]} == set(Settings.model_fields) - FIXED_BY_THE_CHART


def test_defaults_are_the_operators() -> None:
    given = {snake(key): value for key, value in values()["settings"].items()}
    fields = {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in given}

    assert {**given, "allowed_role_arns": ()} == {**fields, **OWN_DEFAULTS}


@pytest.mark.parametrize("value_set", VALUE_SETS)
def test_every_variable_is_a_setting(helm: Helm, value_set: str) -> None:
    names = [name for name, _ in environment(one(helm.objects(value_set), "Deployment")) if name.startswith(PREFIX)]

    assert {name.removeprefix(PREFIX).lower() for name in names} <= set(Settings.model_fields)
    assert len(names) == len(set(names))


def test_the_operator_reads_what_was_set(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment = one(helm.objects("everything", "--set=watchNamespaces={team-a,team-b}"), "Deployment")
    for name, value in environment(deployment):
        monkeypatch.setenv(name, value if isinstance(value, str) else "a-pod")

    assert Settings().model_dump() == {
        "cluster_name": "lab",
        "watch_namespaces": ("team-a", "team-b"),
        "region": "us-gov-west-1",
        "role_arn": "arn:aws-us-gov:iam::123456789012:role/training",
        "allowed_role_arns": ("arn:aws-us-gov:iam::123456789012:role/other",),
        "bucket": "s3://example-ml",
        "poll_interval_seconds": 2.5,
        "endpoint_sweep_seconds": 300.0,
        "aws_rates": {"CreateTrainingJob": 1_000_000.0, "StopTrainingJob": 0.0},
        "aws_unlimited": True,
        "aws_threads": 8,
        "aws_connect_timeout_seconds": 3.0,
        "aws_read_timeout_seconds": 30.0,
        "recheck_seconds": 60.0,
        "quota_grace_seconds": 0.0,
        "deletion_deadline_seconds": 0.0,
        "stale_after_seconds": 120.0,
        "pipeline_step_grace_seconds": 0.0,
        "agent_image": "registry.example.com/sagebridge:1.2.3",
        "cluster_domain": "lab.local",
        "cluster_environment": {"HTTPS_PROXY": "http://proxy:3128"},
        "cluster_daemons_millicores": 0,
        "cluster_daemons_mebibytes": 2048,
        "cluster_tolerations": [
            {
                "key": "dedicated",
                "operator": "Equal",
                "value": "training",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
        ],
        "cluster_fast_file_volumes": True,
        "cluster_job_ttl_seconds": 3600,
        "cluster_upload_seconds": 60,
        "cluster_gang_scheduling": "Kubernetes",
        "cluster_gang_scheduler_name": "gang-scheduler",
        "cluster_pod_start_seconds": 120,
        "health_host": "::",
        "health_port": 8080,
        "logs_url": "https://sagebridge-logs.sagebridge-system.svc:8443",
        "logs_host": "::",
        "logs_port": 8443,
        "logs_streams": 50,
        "logs_streams_per_caller": 5,
        "log_level": "DEBUG",
        "log_format": "text",
        "lease_namespace": "sagebridge-system",
        "lease_name": "sagebridge",
        "lease_identity": "a-pod",
        "lease_duration_seconds": 30.0,
    }


def test_the_reference_page_is_current() -> None:
    generator = runpy.run_path(str(ROOT / "tools" / "generate_settings.py"))

    assert (ROOT / "docs" / "reference" / "settings.md").read_text() == generator["page"](), "run make reference"


def test_the_reference_page_names_values_of_the_chart() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    named = set(re.findall(r"`settings\.(\w+)`", page))

    assert named == set(values()["settings"])


def test_the_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    assert shape(schema) == shape_of(values()) | {"global"}


def shape(schema: dict[str, Any], path: str = "") -> set[str]:
    """Paths of all values that a schema names."""
    found = set()
    for key, value in schema["properties"].items():
        found |= shape(value, f"{path}{key}.") if "properties" in value else {path + key}
    return found


def shape_of(value: dict[str, Any], path: str = "") -> set[str]:
    """Paths of all values in values.yaml that the schema is to name."""
    free = {"resources", "securityContext", "podSecurityContext", "livenessProbe", "readinessProbe"}
    found = set()
    for key, inner in value.items():
        nested = isinstance(inner, dict) and inner and key not in free
        found |= shape_of(inner, f"{path}{key}.") if nested else {path + key}
    return found
