"""Multi-model containers: https://docs.aws.amazon.com/sagemaker/latest/dg/mms-container-apis.html."""

import pytest
from sagebridge_local.serving import ServingError

NAMED = """
    def model_fn(model_dir):
        return "{name}"

    def transform_fn(model, body, content_type, accept):
        return model, "text/plain"
"""


@pytest.fixture
def shelf(kitchen):
    """A prefix with three models."""
    for name in ("a", "b", "c"):
        kitchen.model(NAMED.format(name=name), key=f"shelf/{name}.tar.gz")
    return f"s3://{kitchen.bucket}/shelf/"


async def _ask(server, name):
    return (await server.invoke(b"", content_type="text/plain", target_model=f"{name}.tar.gz")).body.decode()


async def test_models_are_loaded_at_their_first_invocation(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))
    assert server.loaded_models() == []

    assert [await _ask(server, name) for name in "aba"] == ["a", "b", "a"]
    assert server.loaded_models() == ["b.tar.gz", "a.tar.gz"]


async def test_the_least_recently_used_makes_room(kitchen, shelf):
    environment = {"SAGEBRIDGE_LOCAL_MAX_MODELS": "2"}
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel", Environment=environment))

    assert [await _ask(server, name) for name in "abac"] == list("abac")
    assert server.loaded_models() == ["a.tar.gz", "c.tar.gz"]
    assert await _ask(server, "b") == "b"


async def test_a_model_that_is_not_there_is_named_with_bucket_and_key(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))

    with pytest.raises(ServingError, match=rf"bucket: {kitchen.bucket}, key: shelf/z.tar.gz"):
        await _ask(server, "z")


async def test_a_new_model_needs_no_restart(kitchen, shelf):
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel"))
    await _ask(server, "a")
    kitchen.model(NAMED.format(name="d"), key="shelf/d.tar.gz")

    assert await _ask(server, "d") == "d"


async def test_without_caching_a_model_leaves_after_its_invocation(kitchen, shelf):
    uncached = {"ModelCacheSetting": "Disabled"}
    server = await kitchen.serve(kitchen.definition(shelf, Mode="MultiModel", MultiModelConfig=uncached))

    assert await _ask(server, "a") == "a"
    assert server.loaded_models() == []
