"""The operator's image, as operator/Dockerfile makes it, without docker and without a registry."""

from __future__ import annotations

from node import debian
from node.code import ROOT, code
from node.environments import environment
from node.images import Image

REPOSITORY = "localhost/sagebridge"

_HOME = "/opt/sagebridge"
_DOCKERFILE = ROOT / "operator" / "Dockerfile"


def operator_image() -> Image:
    """Return the image of the operator in this checkout; its tag is a hash of what it holds."""
    base = debian.base()
    packages = environment(ROOT / "requirements-operator.lock", at=_HOME, base=base)
    own = code(
        _DOCKERFILE,
        title="Operator's image",
        python=f"{_HOME}/bin/python",
        below=[base, packages],
    )
    return Image(
        name=f"{REPOSITORY}:{own.key}",
        layers=(base, packages, own),
        entrypoint=("python", "-m", "sagebridge.app"),
        environment=variables(_HOME),
        user="65532:65532",
        working_directory="/tmp",
        dockerfile=_DOCKERFILE,
    )


def variables(home: str) -> dict[str, str]:
    """Return the variables of an image with its packages in a virtual environment and its code in /app."""
    return {
        "PATH": f"{home}/bin:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": "/app",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "HOME": "/tmp",
    }
