"""Sagebridge: machine learning on Kubernetes and Amazon SageMaker together."""

__version__ = "0.1.0"
