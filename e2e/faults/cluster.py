"""The API server as a test's user sees it: directly, never through a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import kubernetes

GROUP, VERSION = "sagebridge.io", "v1alpha1"

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A custom resource's kind."""

    name: str
    plural: str


class Cluster:
    """Makes, edits and reads objects."""

    def __init__(self, client: kubernetes.client.ApiClient) -> None:
        self.core = kubernetes.client.CoreV1Api(client)
        self._custom = kubernetes.client.CustomObjectsApi(client)

    def create(self, kind: Kind, *, namespace: str, name: str, spec: Mapping[str, Any], **metadata: Any) -> Body:
        """Create an object as `kubectl create` does: unknown fields are refused."""
        body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": kind.name,
            "metadata": {"name": name, **metadata},
            "spec": dict(spec),
        }
        created: Body = self._custom.create_namespaced_custom_object(
            GROUP, VERSION, namespace, kind.plural, body, field_validation="Strict"
        )
        return created

    def get(self, kind: Kind, *, namespace: str, name: str) -> Body | None:
        """The object; None if it is not there."""
        try:
            found: Body = self._custom.get_namespaced_custom_object(GROUP, VERSION, namespace, kind.plural, name)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return None
            raise
        return found

    def objects(self, kind: Kind, *, namespace: str | None = None) -> list[Body]:
        """All objects, of one namespace if given."""
        return list(self.listed(kind, namespace=namespace)["items"])

    def listed(self, kind: Kind, *, namespace: str | None = None) -> Body:
        """The list itself, with its resource version."""
        if namespace is None:
            whole: Body = self._custom.list_cluster_custom_object(GROUP, VERSION, kind.plural)
            return whole
        part: Body = self._custom.list_namespaced_custom_object(GROUP, VERSION, namespace, kind.plural)
        return part

    def patch(self, kind: Kind, *, namespace: str, name: str, body: Mapping[str, Any]) -> Body:
        """Merge-patch an object."""
        patched: Body = self._custom.patch_namespaced_custom_object(GROUP, VERSION, namespace, kind.plural, name, body)
        return patched

    def replace_spec(self, kind: Kind, *, namespace: str, name: str, spec: Mapping[str, Any]) -> None:
        """Put another spec in place of the whole one."""
        while True:
            body = self.get(kind, namespace=namespace, name=name)
            assert body is not None, f"{name} is not there"
            try:
                self._custom.replace_namespaced_custom_object(
                    GROUP, VERSION, namespace, kind.plural, name, {**body, "spec": dict(spec)}
                )
            except kubernetes.client.ApiException as error:
                if error.status != 409:
                    raise
            else:
                return

    def delete(self, kind: Kind, *, namespace: str, name: str) -> None:
        """Ask for an object's deletion; one that is gone is no mistake."""
        try:
            self._custom.delete_namespaced_custom_object(GROUP, VERSION, namespace, kind.plural, name)
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise

    def remove(self, kind: Kind, *, namespace: str, name: str) -> None:
        """Delete an object and take its finalizers off: what an administrator does by force."""
        self.delete(kind, namespace=namespace, name=name)
        try:
            self.patch(kind, namespace=namespace, name=name, body={"metadata": {"finalizers": None}})
        except kubernetes.client.ApiException as error:
            if error.status != 404:
                raise

    def make_namespace(self, name: str) -> None:
        """Create a namespace."""
        self.core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def events(self, namespace: str, *, name: str | None = None) -> list[tuple[str, str]]:
        """Reason and message of the Events of a namespace, or of one object in it."""
        selector = {} if name is None else {"field_selector": f"involvedObject.name={name}"}
        listed = self.core.list_namespaced_event(namespace, **selector)
        return [(event.reason, event.message) for event in listed.items]
