"""CustomResourceDefinitions, applied to a cluster and seen to be there."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from sagebridge_local.stack.errors import KubectlError, NotReadyError
from sagebridge_local.stack.kubectl import run_kubectl

API_SERVER = "kube-apiserver"
"""The component that serves them."""

_EARLY_LOOKS = 20
_LATE_LOOKS = 150


def install_crds(directory: Path, *, kubeconfig: Path) -> None:
    """Apply the CustomResourceDefinitions of a folder to a cluster and wait until it serves them.

    Raises:
        KubectlError: The API server refused one; the message is its own.
    """
    if not any(directory.glob("*.yaml")):
        return
    folder = str(directory)
    run_kubectl("apply", "--server-side", "--force-conflicts", "-f", folder, kubeconfig=kubeconfig)
    _await_established(folder, kubeconfig=kubeconfig)
    _await_discovered(directory, kubeconfig=kubeconfig)
    _await_explained(directory, kubeconfig=kubeconfig)


def _await_established(folder: str, *, kubeconfig: Path) -> None:
    """Wait until the API server serves the CRDs.

    `kubectl wait` ends with an "accessor error" when it looks before the API server has given a CRD any condition; then
    it just has to be asked again.
    """
    wait = ("wait", "--for=condition=Established", "--timeout=60s", "-f", folder)
    for _ in range(_EARLY_LOOKS):
        try:
            run_kubectl(*wait, kubeconfig=kubeconfig)
        except KubectlError as error:
            if "accessor error" not in str(error):
                raise
            time.sleep(0.2)
        else:
            return
    run_kubectl(*wait, kubeconfig=kubeconfig)


def _await_discovered(directory: Path, *, kubeconfig: Path) -> None:
    """Wait until the API server lists the CRDs, and let kubectl's cache have that list.

    kubectl believes for six hours what it once saw at an address, such as the list that `kubectl apply` saw above, or
    an earlier cluster's. It looks anew for a resource that it does not know, but not for a category: `kubectl get
    sagebridge` would fail once. Without `--cached`, `kubectl api-resources` looks anew.

    Source: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_api-resources/
    """
    missing = {definition["metadata"]["name"] for definition in _definitions(directory)}
    for _ in range(_LATE_LOOKS):
        missing -= _listed(kubeconfig=kubeconfig)
        if not missing:
            return
        time.sleep(0.2)
    names = ", ".join(sorted(missing))
    raise NotReadyError(f"The API server serves {names}, but does not list them", component=API_SERVER)


def _listed(*, kubeconfig: Path) -> set[str]:
    """What the API server lists; the cluster of somebody else may have other APIs that can't be asked now."""
    try:
        return set(run_kubectl("api-resources", "--output=name", kubeconfig=kubeconfig).split())
    except KubectlError as error:
        return set(error.output.split())


def _definitions(directory: Path) -> list[dict[str, Any]]:
    return [yaml.load(file.read_text(), Loader=yaml.CSafeLoader) for file in directory.glob("*.yaml")]


def _await_explained(directory: Path, *, kubeconfig: Path) -> None:
    """Wait until `kubectl explain` knows the CRDs: schemas are published a while after the API server serves them.

    Source: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
    """
    missing: defaultdict[str, set[str]] = defaultdict(set)
    for spec in (definition["spec"] for definition in _definitions(directory)):
        missing[f"/openapi/v3/apis/{spec['group']}/{spec['versions'][0]['name']}"].add(spec["names"]["kind"])
    for _ in range(_LATE_LOOKS):
        for document in list(missing):
            missing[document] -= _published(document, of=missing[document], kubeconfig=kubeconfig)
            if not missing[document]:
                del missing[document]
        if not missing:
            return
        time.sleep(0.2)
    names = ", ".join(sorted(set().union(*missing.values())))
    raise NotReadyError(f"The API server serves {names}, but does not publish the schemas", component=API_SERVER)


def _published(document: str, *, of: set[str], kubeconfig: Path) -> set[str]:
    """Those kinds that an OpenAPI document tells of; it is not there before the first of its group is."""
    try:
        text = run_kubectl("get", "--raw", document, kubeconfig=kubeconfig)
    except KubectlError:
        return set()
    return {kind for kind in of if f'"kind":"{kind}"' in text}
