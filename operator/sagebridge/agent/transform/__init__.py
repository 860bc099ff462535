"""Beside a model server: brings it the objects of a batch transform, and takes its answers to S3."""
