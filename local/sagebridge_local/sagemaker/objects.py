"""What S3 holds here, asked of moto directly: CreateTrainingJob must know whether its inputs exist."""

from __future__ import annotations

from sagebridge_local.sagemaker.moto_modules import loaded


class MotoObjects:
    """Looks objects up in moto's S3, without a request and without loading it."""

    def exist(self, *, account: str, partition: str, bucket: str, prefix: str) -> bool:
        """Whether an object with that prefix lies in that bucket, as the account sees it."""
        models = loaded("moto.s3.models")
        if models is None:
            return False
        backend = models.s3_backends[account][partition]
        if bucket not in models.s3_backends.bucket_accounts:
            return False
        # A deleted object of a versioned bucket still has a key; get_object knows.
        keys = [key for key in list(backend.get_bucket(bucket).keys) if key.startswith(prefix)]
        return any(backend.get_object(bucket, key) is not None for key in keys)
