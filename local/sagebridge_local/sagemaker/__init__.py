"""The local SageMaker: the service's API on a loopback port, with real lifecycles over a clock that can be driven.

SageMaker's own operations are handled here and validated against botocore's model; every other AWS service on the
same port is moto. `docs/local-sagemaker.md` lists each behaviour with its public source and its test.
"""
