"""Which of AWS's containers can't serve without a script, and how one is named to them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.images.table import load

PROGRAM: Final = "SAGEMAKER_PROGRAM"
"""The variable that names the script, and by which scikit-learn's container knows that there is one."""
DIRECTORY: Final = "SAGEMAKER_SUBMIT_DIRECTORY"
"""The variable that says where the script is."""

_SCIKIT_LEARN: Final = frozenset({"sklearn", "scikitlearn"})
_SCIKIT_LEARN_IMAGE: Final = re.compile(r"(\d{12})\.dkr[.-]ecr(?:-fips)?\.[a-z0-9.-]+/sagemaker-scikit-learn[:@].+")


def lacks_script(environment: Mapping[str, Any], *, framework: str = "", image: str = "") -> bool:
    """Whether a container without inference code is scikit-learn's, which never answers a ping then.

    The other frameworks' containers have a way of their own to load a model, or look for a script in its archive.

    Args:
        environment: its variables.
        framework: the framework whose image it runs; empty where an image is given.
        image: its image; AWS's own count, of which it is known what they do.

    Source: https://github.com/aws/sagemaker-scikit-learn-container (serving.py: the module of SAGEMAKER_PROGRAM is
    imported, and `model_fn` has no default), https://github.com/aws/sagemaker-scikit-learn-container/issues/82
    """
    found = _SCIKIT_LEARN_IMAGE.fullmatch(image)
    is_scikit_learn = re.sub(r"[-_\s]", "", framework.lower()) in _SCIKIT_LEARN or (found and found[1] in _accounts())
    return bool(is_scikit_learn) and not environment.get(PROGRAM)


@functools.cache
def _accounts() -> frozenset[str]:
    """AWS's accounts that have the images of scikit-learn."""
    scopes = load().frameworks["sklearn"].values()
    builds = [build for scope in scopes for each in scope.versions.values() for build in each]
    return frozenset(account for build in builds for account in build.registry.values())
