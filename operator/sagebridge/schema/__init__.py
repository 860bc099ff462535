"""The botocore service model as a schema: CRDs and conversion."""
