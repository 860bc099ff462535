"""Tenant policies and namespace labels, as last seen; the answer to "what may this namespace do?"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.tenancy import OperatorDefaults, Tenant, TenantPolicy, tenant_for


class Tenants:
    """Knows every TenantPolicy and every namespace's labels. Filled before the first reconcile, kept by watches."""

    def __init__(self, *, defaults: OperatorDefaults) -> None:
        self._defaults = defaults
        self._policies: dict[str, TenantPolicy] = {}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._changes = 0

    @property
    def changes(self) -> int:
        """How often something has changed; who reads for a while sees by it whether what was read still holds."""
        return self._changes

    def replace(self, *, policies: Iterable[Mapping[str, Any]], namespaces: Iterable[Mapping[str, Any]]) -> bool:
        """Take in all there is: what is not among it is gone. Whether a namespace may now do something else."""
        before = (self._policies, self._labels)
        labels: dict[str, Mapping[str, str]] = {body["metadata"]["name"]: _labels(body) for body in namespaces}
        names = self._labels.keys() | labels.keys()
        answers = {name: self._answer(name) for name in names}
        self._policies = {policy.name: policy for policy in map(TenantPolicy.parse, policies)}
        self._labels = labels
        self._changes += before != (self._policies, self._labels)
        return answers != {name: self._answer(name) for name in names}

    def put_policy(self, body: Mapping[str, Any]) -> bool:
        """Take a policy in, or its new version; whether it says something new: a watch tells all again at times."""
        policy = TenantPolicy.parse(body)
        if self._policies.get(policy.name) == policy:
            return False
        self._policies[policy.name] = policy
        self._changes += 1
        return True

    def remove_policy(self, name: str) -> bool:
        """Forget a policy; whether there was one."""
        is_gone = self._policies.pop(name, None) is not None
        self._changes += is_gone
        return is_gone

    def put_namespace(self, body: Mapping[str, Any]) -> bool:
        """Take a namespace's labels in; whether it may now do something else than before."""
        name, labels = body["metadata"]["name"], _labels(body)
        if self._labels.get(name) == labels:
            return False
        before = self._answer(name)
        self._labels[name] = labels
        self._changes += 1
        return self._answer(name) != before

    def remove_namespace(self, name: str) -> None:
        """Forget a namespace."""
        self._labels.pop(name, None)
        self._changes += 1

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

    def _answer(self, namespace: str) -> Tenant | str:
        try:
            return self.of(namespace)
        except NotAllowedError as error:
            return str(error)


def _labels(namespace: Mapping[str, Any]) -> dict[str, str]:
    return dict(namespace["metadata"].get("labels") or {})
