"""Runs training jobs for real on this machine, under SageMaker's /opt/ml contract."""
