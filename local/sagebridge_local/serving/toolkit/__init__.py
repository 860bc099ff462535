"""What serves a model in a framework image, for the local Python: it needs nothing but the standard library.

It is started as the package `sagebridge_toolkit`, by whatever interpreter the user's code wants, so it imports nothing
of Sagebridge. The user's functions and their defaults are those of https://github.com/aws/sagemaker-inference-toolkit,
https://github.com/aws/sagemaker-scikit-learn-container and https://github.com/aws/sagemaker-pytorch-inference-toolkit.
"""
