"""Processing jobs of the local SageMaker."""
