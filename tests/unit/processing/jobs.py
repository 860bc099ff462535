"""Specs and contexts to start from."""

from typing import Any

from sagebridge.core.resolution import ResolveContext

IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1"


def context(**changes: Any) -> ResolveContext:
    values = {
        "job_name": "team-a-split-abc",
        "region": "eu-central-1",
        "role_arn": "arn:aws:iam::123456789012:role/training",
        "output_path": "s3://default/team-a/split",
        "tags": {"sagebridge.io/uid": "u"},
    }
    return ResolveContext(**(values | changes))


def on(**config: Any) -> dict[str, Any]:
    return {"processingResources": {"clusterConfig": {"instanceType": "ml.m5.xlarge", **config}}}


def own_image(**more: Any) -> dict[str, Any]:
    return {"appSpecification": {"imageUri": IMAGE}, **on(), **more}


def script(**more: Any) -> dict[str, Any]:
    source = {"entryPoint": "split.py", "s3Uri": "s3://code/sourcedir.tar.gz"}
    return {"framework": {"name": "sklearn", "version": "1.2-1"}, "source": source, **on(), **more}


def s3_input(name: str = "table", **fields: Any) -> dict[str, Any]:
    return {"inputName": name, "s3Input": {"s3Uri": "s3://bucket/table/", **fields}}


def output(name: str = "train", **fields: Any) -> dict[str, Any]:
    return {"outputName": name, **({"s3Output": fields} if fields else {})}


def outputs(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"processingOutputConfig": {"outputs": list(items), **more}}


def athena(**fields: Any) -> dict[str, Any]:
    query = {
        "catalog": "c",
        "database": "d",
        "queryString": "SELECT 1",
        "outputS3Uri": "s3://bucket/athena/",
        "outputFormat": "PARQUET",
    }
    return {"inputName": "rows", "datasetDefinition": {"athenaDatasetDefinition": query, **fields}}
