"""A control plane of its own for the chart, which brings the CRDs and cluster-wide roles."""

import secrets
from collections.abc import Callable, Iterator

import kubernetes
import pytest
from sagebridge_local.golang import helm_binary
from sagebridge_local.stack import ControlPlane

from .release import Release


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that knows nothing of Sagebridge."""
    with ControlPlane.start(tmp_path_factory.mktemp("chart") / "stack") as started:
        yield started


@pytest.fixture(scope="package")
def kube(cluster: ControlPlane) -> Iterator[kubernetes.client.ApiClient]:
    with kubernetes.config.new_client_from_config(config_file=str(cluster.kubeconfig)) as client:
        yield client


@pytest.fixture(scope="package")
def new_namespace(kube: kubernetes.client.ApiClient) -> Callable[[], str]:
    """Makes namespaces that enforce the restricted Pod Security Standard."""

    def make() -> str:
        name = f"chart-{secrets.token_hex(4)}"
        metadata = {"name": name, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
        kubernetes.client.CoreV1Api(kube).create_namespace({"metadata": metadata})
        return name

    return make


@pytest.fixture
def install(cluster: ControlPlane, new_namespace: Callable[[], str]) -> Iterator[Callable[..., Release]]:
    """Installs the chart in a fresh namespace: `install("settings.region=eu-west-1")`."""
    releases: list[Release] = []

    def start(*settings: str) -> Release:
        releases.append(Release(cluster=cluster, helm=helm_binary(), namespace=new_namespace()))
        releases[-1].install(*settings, crds_of_another=releases[-1].finds_crds())
        return releases[-1]

    yield start
    for release in releases:
        release.remove()


@pytest.fixture(scope="module")
def installed(cluster: ControlPlane, new_namespace: Callable[[], str]) -> Iterator[Release]:
    """One installation with the defaults, for tests that only look at it."""
    release = Release(cluster=cluster, helm=helm_binary(), namespace=new_namespace())
    release.install(crds_of_another=release.finds_crds())
    yield release
    release.remove()
