"""The image of the pipelines' steps, as kfp_components/Dockerfile makes it, without docker and without a registry."""

from __future__ import annotations

from node import debian
from node.code import ROOT, code
from node.environments import environment
from node.images import Image
from node.operator_image import variables

_DOCKERFILE = ROOT / "kfp_components" / "Dockerfile"
_HOME = "/opt/sagebridge"


def steps_image() -> Image:
    """Return the image of the steps of this checkout; its tag is a hash of what it holds."""
    base = debian.base()
    packages = environment(ROOT / "requirements-kfp.lock", at=_HOME, base=base)
    own = code(
        _DOCKERFILE,
        title="Steps' image",
        python=f"{_HOME}/bin/python",
        below=[base, packages],
        _KFP_RUNTIME="true",
    )
    return Image(
        name=f"localhost/sagebridge-kfp:{own.key}",
        layers=(base, packages, own),
        environment=variables(_HOME),
        user="65532:65532",
        working_directory="/tmp",
        dockerfile=_DOCKERFILE,
    )
