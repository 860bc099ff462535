"""What is particular to training jobs."""
