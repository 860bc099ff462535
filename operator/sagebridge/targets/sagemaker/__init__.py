"""SageMaker as a target: the only importer of boto3."""
