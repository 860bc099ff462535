"""Tuning jobs whose trials are TrainingJobs on the cluster: what is made of a manifest, what comes next. Pure."""
