"""From the spec of a TrainingJob, on any of its three levels, to the complete request of CreateTrainingJob.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/algos.html (built-in algorithms)
    https://sagemaker.readthedocs.io/en/stable/overview.html (script mode)
    https://github.com/aws/sagemaker-training-toolkit (what the framework images read)
"""

from sagebridge.core.resolution import ResolveContext
from sagebridge.core.training.levels import Level, level_of, source_object
from sagebridge.core.training.request import ADDED_FIELDS, resolve

__all__ = ["ADDED_FIELDS", "Level", "ResolveContext", "level_of", "resolve", "source_object"]
