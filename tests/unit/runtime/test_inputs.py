"""Which objects a channel has, on which host, in which order, under which names."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.runtime import inputs
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.inputs import Share
from sagebridge_local.runtime import recordio


@pytest.mark.parametrize(
    ("reason", "key", "prefix", "want"),
    [
        ("below a folder", "data/train/a.csv", "data/train/", "a.csv"),
        ("deep below a folder", "data/train/x/a.csv", "data/train", "x/a.csv"),
        ("the object itself", "data/train.csv", "data/train.csv", "train.csv"),
        ("part of a name", "data/train-1.csv", "data/train", "train-1.csv"),
        ("part of a folder's name", "data/train-1/a.csv", "data/tr", "train-1/a.csv"),
        ("the whole bucket", "a/b", "", "a/b"),
        ("part of a name at the top", "train.csv", "tr", "train.csv"),
        ("doubled slashes", "d//a", "d/x", "a"),
    ],
)
def test_relative_path(reason: str, key: str, prefix: str, want: str) -> None:
    if reason == "doubled slashes":
        key = "d/x//a"
        with pytest.raises(RunFailedError):
            inputs.relative_path(key, "d/x")
    else:
        assert inputs.relative_path(key, prefix) == want, reason


@pytest.mark.parametrize("key", ["d/../../etc/passwd", "d/..", "d//etc/passwd", "d/a\0b"])
def test_a_key_can_not_lead_out_of_its_channel(key: str) -> None:
    with pytest.raises(RunFailedError, match="can't be a file's name in a channel"):
        inputs.relative_path(key, "d/")


@given(items=st.lists(st.integers()), count=st.integers(1, 5))
def test_shards_are_a_partition(items: list[int], count: int) -> None:
    shards = [Share(index=index, count=count, sharded=True).of(items) for index in range(count)]
    assert sorted(item for shard in shards for item in shard) == sorted(items)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_replicas_are_whole() -> None:
    assert Share(index=1, count=3).of([1, 2, 3]) == [1, 2, 3]


def test_an_order_repeats_for_its_seed_and_differs_between_epochs() -> None:
    items = list(range(50))
    first = inputs.shuffled(items, seed=1, epoch=0)
    assert first == inputs.shuffled(items, seed=1, epoch=0)
    assert first != inputs.shuffled(items, seed=1, epoch=1)
    assert inputs.shuffled(items, seed=None, epoch=3) == items


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '["a"]', '[{"prefix": "s3://b/"}]', '[{"prefix": "s3://b/"}, 1]', '[{"prefix": "b"}, "a"]'],
)
def test_what_is_no_manifest_is_refused(content: str) -> None:
    with pytest.raises(RunFailedError):
        inputs.manifest_objects(content.encode(), uri="s3://b/m")


def test_a_manifest_can_not_lead_out_either() -> None:
    content = json.dumps([{"prefix": "s3://b/p/"}, "../../x"])
    with pytest.raises(RunFailedError, match="can't be a file's name"):
        inputs.manifest_objects(content.encode(), uri="s3://b/m")


def test_an_augmented_manifest_tells_its_bad_line() -> None:
    with pytest.raises(RunFailedError, match="line 3 of s3://b/m is not a JSON object"):
        inputs.augmented_records(b'{"a": 1}\n\n[1]\n', uri="s3://b/m")


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (b"", "0a23d7ce" + "00000000"),
        (b"abc", "0a23d7ce" + "03000000" + "61626300"),
        (b"abcd", "0a23d7ce" + "04000000" + "61626364"),
    ],
)
def test_recordio(content: bytes, want: str) -> None:
    assert recordio.record(content).hex() == want
