"""Batch transform on this machine: the run that puts a model server behind the data plane."""
