"""From the spec of an HPTuningJob to the complete request of CreateHyperParameterTuningJob, and its results.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning.html
"""

from sagebridge.core.tuning.request import resolve
from sagebridge.core.tuning.sections import sections

__all__ = ["resolve", "sections"]
