"""Packs a script, and puts the archive on S3: python push.py SCRIPT S3URI."""

import io
import sys
import tarfile
from pathlib import Path

import boto3

script, uri = Path(sys.argv[1]), sys.argv[2]
bucket, _, key = uri.removeprefix("s3://").partition("/")
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as archive:
    archive.add(script, arcname=script.name)
boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=packed.getvalue())
print(f"{script.name} is in {uri}")
