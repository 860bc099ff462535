"""Jobs in a test's namespace: made, edited, awaited, and shown in full when something does not come."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import kubernetes
import yaml

GROUP, VERSION, PLURAL = "sagebridge.io", "v1alpha1", "trainingjobs"
PATIENCE_SECONDS = 120.0
"""How long anything is awaited before a test gives up and says what it saw; nothing is measured with it."""

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"

Job = dict[str, Any]


def spec(**changes: Any) -> dict[str, Any]:
    """A small valid spec; `changes` replace its fields, None removes one."""
    fields = {
        "algorithmSpecification": {"trainingImage": IMAGE, "trainingInputMode": "File"},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1, "volumeSizeInGB": 10},
        "stoppingCondition": {"maxRuntimeInSeconds": 3600},
    } | changes
    return {name: value for name, value in fields.items() if value is not None}


class Jobs:
    """The jobs of one kind in one namespace, TrainingJobs by default."""

    def __init__(
        self, client: kubernetes.client.ApiClient, namespace: str, *, kind: str = "TrainingJob", plural: str = PLURAL
    ) -> None:
        self.namespace = namespace
        self._kind = kind
        self._plural = plural
        self._custom = kubernetes.client.CustomObjectsApi(client)
        self._core = kubernetes.client.CoreV1Api(client)

    def create(self, name: str, fields: Mapping[str, Any] | None = None, **metadata: Any) -> Job:
        """Make one; `metadata` goes beside its name."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": self._kind,
            "metadata": {"name": name, **metadata},
            "spec": dict(fields) if fields is not None else spec(),
        }
        return self._custom.create_namespaced_custom_object(GROUP, VERSION, self.namespace, self._plural, body)

    def get(self, name: str) -> Job | None:
        """The object, None if it is not there."""
        try:
            return self._custom.get_namespaced_custom_object(GROUP, VERSION, self.namespace, self._plural, name)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return None
            raise

    def list(self) -> list[Job]:
        """All of them."""
        return self._custom.list_namespaced_custom_object(GROUP, VERSION, self.namespace, self._plural)["items"]

    def patch(self, name: str, body: Mapping[str, Any]) -> Job:
        """Merge-patch one."""
        return self._custom.patch_namespaced_custom_object(GROUP, VERSION, self.namespace, self._plural, name, body)

    def patch_status(self, name: str, status: Mapping[str, Any]) -> Job:
        """Merge-patch the status of one, as a tenant with too many rights might."""
        return self._custom.patch_namespaced_custom_object_status(
            GROUP, VERSION, self.namespace, self._plural, name, {"status": status}
        )

    def annotate(self, name: str, **annotations: str | None) -> Job:
        """Set annotations under sagebridge.io/, underscores written as hyphens."""
        keys = {f"sagebridge.io/{key.replace('_', '-')}": value for key, value in annotations.items()}
        return self.patch(name, {"metadata": {"annotations": keys}})

    def delete(self, name: str) -> None:
        """Ask for its deletion."""
        self._custom.delete_namespaced_custom_object(GROUP, VERSION, self.namespace, self._plural, name)

    def wait(self, name: str, wanted: Callable[[Job], bool], *, what: str = "") -> Job:
        """Wait until the object is as wanted."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        job: Job | None = None
        while time.monotonic() < deadline:
            job = self.get(name)
            if job is not None and wanted(job):
                return job
            time.sleep(0.1)
        raise AssertionError(f"{name} did not become {what or 'as wanted'}:\n{yaml.safe_dump(job)}{self.events(name)}")

    def wait_reason(self, name: str, reason: str) -> Job:
        """Wait until Ready has this reason."""
        return self.wait(name, lambda job: ready(job).get("reason") == reason, what=reason)

    def wait_gone(self, name: str) -> None:
        """Wait until the object is gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self.get(name) is None:
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} is still there:\n{yaml.safe_dump(self.get(name))}")

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Type, reason and message of the Events of an object."""
        listed = self._core.list_namespaced_event(self.namespace, field_selector=f"involvedObject.name={name}")
        return [(event.type, event.reason, event.message) for event in listed.items]

    def wait_event(self, name: str, reason: str) -> str:
        """Wait for an Event with this reason; its message."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for _, found, message in self.events(name):
                if found == reason:
                    return message
            time.sleep(0.1)
        raise AssertionError(f"{name} has no Event {reason}: {self.events(name)}")


def ready(job: Job) -> dict[str, Any]:
    """The Ready condition, empty if there is none."""
    return condition(job, "Ready")


def condition(job: Job, kind: str) -> dict[str, Any]:
    """The condition of a type, empty if there is none."""
    found = (job.get("status") or {}).get("conditions") or []
    return next((item for item in found if item["type"] == kind), {})


def statuses(job: Job) -> dict[str, str]:
    """Every condition's status by type."""
    return {item["type"]: item["status"] for item in (job.get("status") or {}).get("conditions") or []}


def attempts(job: Job) -> list[dict[str, Any]]:
    """The recorded attempts."""
    return list((job.get("status") or {}).get("attempts") or [])
