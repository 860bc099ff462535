"""Tenant policies and namespace labels, as last seen; the answer to "what may this namespace do?"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.tenancy import OperatorDefaults, Tenant, TenantPolicy, tenant_for


class Tenants:
    """Knows every TenantPolicy and every namespace's labels. Filled before the first reconcile, kept by watches."""

    def __init__(self, *, defaults: OperatorDefaults) -> None:
        self._defaults = defaults
        self._policies: dict[str, TenantPolicy] = {}
        self._labels: dict[str, Mapping[str, str]] = {}

    def put_policy(self, body: Mapping[str, Any]) -> None:
        """Take a policy in, or its new version."""
        policy = TenantPolicy.parse(body)
        self._policies[policy.name] = policy

    def remove_policy(self, name: str) -> None:
        """Forget a policy."""
        self._policies.pop(name, None)

    def put_namespace(self, body: Mapping[str, Any]) -> bool:
        """Take a namespace's labels in; whether they changed."""
        metadata = body["metadata"]
        labels = dict(metadata.get("labels") or {})
        changed = self._labels.get(metadata["name"]) != labels
        self._labels[metadata["name"]] = labels
        return changed

    def remove_namespace(self, name: str) -> None:
        """Forget a namespace."""
        self._labels.pop(name, None)

    def of(self, namespace: str) -> Tenant:
        """What `namespace` may do.

        Raises:
            sagebridge.core.errors.NotAllowedError: nothing; the message says why.
        """
        return tenant_for(
            namespace=namespace,
            labels=self._labels.get(namespace, {}),
            policies=tuple(self._policies.values()),
            defaults=self._defaults,
        )
