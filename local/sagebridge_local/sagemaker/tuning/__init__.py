"""Hyperparameter tuning: a search whose trials are training jobs."""
