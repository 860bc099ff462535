"""What is done around a training container on whatever machine it runs: S3, data, checkpoints, artifacts, metrics."""
