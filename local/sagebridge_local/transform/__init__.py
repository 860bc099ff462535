"""Batch transform on this machine: the data plane, pure, and the run that puts a model server behind it."""
