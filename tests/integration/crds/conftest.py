"""Manifests against the real API server."""

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import kubernetes
import pytest
from kubernetes.client.exceptions import ApiException
from sagebridge.schema.kind import GROUP, VERSION
from sagebridge_local.stack import ControlPlane
from support.operations import BARE_GROUP, OPERATIONS, bare_crd

Manifest = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource of the API server, in one namespace."""

    client: kubernetes.client.ApiClient
    group: str
    plural: str
    kind: str
    namespace: str = ""

    @property
    def _path(self) -> str:
        namespaced = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/apis/{self.group}/{VERSION}{namespaced}/{self.plural}"

    def manifest(self, spec: Manifest, *, name: str = "example") -> Manifest:
        """Wrap a spec."""
        return {
            "apiVersion": f"{self.group}/{VERSION}",
            "kind": self.kind,
            "metadata": {"name": name},
            "spec": spec,
        }

    def create(self, spec: Manifest, *, name: str = "example", dry_run: bool = False) -> Manifest:
        """Create an object and return what is stored."""
        query = "?dryRun=All&fieldValidation=Strict" if dry_run else "?fieldValidation=Strict"
        return self._call("POST", query, self.manifest(spec, name=name))

    def refusal(self, spec: Manifest) -> str:
        """The message that a manifest is refused with; empty when it is accepted."""
        try:
            self.create(spec, dry_run=True)
        except ApiException as error:
            return str(json.loads(error.body)["message"])
        return ""

    def patch(self, change: Manifest, *, name: str = "example", subresource: str = "") -> Manifest:
        """Merge a change into an object."""
        return self._call("PATCH", f"/{name}{subresource}", change, "application/merge-patch+json")

    def patch_refusal(self, change: Manifest, *, name: str = "example") -> str:
        """The message that a change is refused with; empty when it is accepted."""
        try:
            self.patch(change, name=name)
        except ApiException as error:
            return str(json.loads(error.body)["message"])
        return ""

    def apply(self, spec: Manifest, *, manager: str, name: str = "example") -> Manifest:
        """Apply a manifest on the server, as a named manager."""
        manifest = json.loads(json.dumps(self.manifest(spec, name=name)))
        return self._call("PATCH", f"/{name}?fieldManager={manager}", manifest, "application/apply-patch+yaml")

    def _call(self, method: str, path: str, body: Manifest, content_type: str = "application/json") -> Manifest:
        answer = self.client.call_api(
            self._path + path,
            method,
            body=body,
            header_params={"Content-Type": content_type, "Accept": "application/json"},
            auth_settings=["BearerToken"],
            response_type="object",
            _return_http_data_only=True,
        )
        return dict(answer)


@pytest.fixture
def training_jobs(kube: kubernetes.client.ApiClient, namespace: str) -> Resource:
    return Resource(client=kube, group=GROUP, plural="trainingjobs", kind="TrainingJob", namespace=namespace)


@pytest.fixture
def tenant_policies(kube: kubernetes.client.ApiClient) -> Resource:
    return Resource(client=kube, group=GROUP, plural="tenantpolicies", kind="TenantPolicy")


@pytest.fixture(scope="session")
def install(control_plane: ControlPlane, kube: kubernetes.client.ApiClient) -> Callable[[Manifest], None]:
    """Installs a CRD and waits until it serves; one that another worker has installed is kept."""
    client = kubernetes.client.ApiextensionsV1Api(kube)

    def apply(definition: Manifest) -> None:
        try:
            client.create_custom_resource_definition(copy.deepcopy(definition))
        except ApiException as error:
            if error.status != 409:
                raise
        _wait_until_served(kube, definition)

    return apply


def _wait_until_served(kube: kubernetes.client.ApiClient, definition: Manifest) -> None:
    spec = definition["spec"]
    objects = kubernetes.client.CustomObjectsApi(kube)
    for _ in range(2400):
        try:
            objects.list_cluster_custom_object(spec["group"], VERSION, spec["names"]["plural"])
        except ApiException as error:
            if error.status not in {404, 429, 503}:
                raise
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"{definition['metadata']['name']} is not served")


@pytest.fixture(scope="session")
def _bare_crds(install: Callable[[Manifest], None]) -> None:
    for operation in OPERATIONS:
        install(bare_crd(operation))


@pytest.fixture
def bare(kube: kubernetes.client.ApiClient, namespace: str, _bare_crds: None) -> Callable[[str], Resource]:
    """The resource of a bare operation: `bare("CreateModel")`."""
    return lambda operation: Resource(
        client=kube, group=BARE_GROUP, plural=f"{operation.lower()}s", kind=operation, namespace=namespace
    )
