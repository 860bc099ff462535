"""What is done around a job's container on whatever machine it runs: S3, data, checkpoints, artifacts, metrics."""
