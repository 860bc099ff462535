"""Models that serve in pods of the cluster: for an Endpoint, and for a BatchTransform. Pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (serve, port 8080, /ping)
    https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""
