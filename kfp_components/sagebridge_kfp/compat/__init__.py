"""Components that take the arguments of AWS's former components for Kubeflow Pipelines 1, and have their outputs.

    from sagebridge_kfp import compat

Arguments may be texts, as they were there: `"50"`, `"False"`, JSON. What can't be kept is refused with the reason.
docs/pipelines/migration.md has each argument.
"""

from sagebridge_kfp.compat.deployment import deploy
from sagebridge_kfp.compat.models import model
from sagebridge_kfp.compat.processing import process
from sagebridge_kfp.compat.training import train
from sagebridge_kfp.compat.transform import batch_transform
from sagebridge_kfp.compat.tuning import hyperparameter_tuning

__all__ = ["batch_transform", "deploy", "hyperparameter_tuning", "model", "process", "train"]
