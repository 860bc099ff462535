import pytest
from sagebridge_local.golang.binary import helm_binary

from .helm import Helm


@pytest.fixture(scope="session")
def helm() -> Helm:
    return Helm(binary=helm_binary())
