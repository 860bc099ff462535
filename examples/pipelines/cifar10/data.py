"""Makes up pictures of CIFAR-10's shape, and writes them to S3 as CIFAR-10's binary version has them.

    python data.py s3://sagebridge-local/cifar10 --unseen unseen.bin

A class is a coarse pattern of colours, moved about and covered with noise: nothing that one would recognise, but enough
to be learned. The files of https://www.cs.toronto.edu/~kriz/cifar.html have the same form, and may lie there instead.
"""

import argparse
from pathlib import Path

import boto3
import numpy as np

CLASSES = 10


def pictures(count: int, *, random: np.random.Generator) -> np.ndarray:
    """Records of a label and 32x32 pixels in three colours, all classes alike."""
    patterns = np.random.default_rng(1).uniform(60, 195, size=(CLASSES, 3, 4, 4))
    labels = np.arange(count) % CLASSES
    coarse = patterns[labels] + random.normal(0, 25, size=(count, 3, 4, 4))
    fine = coarse.repeat(8, axis=2).repeat(8, axis=3) + random.normal(0, 30, size=(count, 3, 32, 32))
    moves = random.integers(-3, 4, size=(count, 2))
    moved = [np.roll(picture, tuple(move), axis=(1, 2)) for picture, move in zip(fine, moves, strict=True)]
    pixels = np.clip(np.stack(moved), 0, 255).astype(np.uint8).reshape(count, -1)
    return np.column_stack([labels.astype(np.uint8), pixels])[random.permutation(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write pictures of CIFAR-10's shape to S3.")
    parser.add_argument("uri", help="s3://BUCKET/PREFIX; the bucket must be there")
    parser.add_argument("--count", type=int, default=1500, help="how many there are to learn from")
    parser.add_argument("--unseen", type=Path, default=Path("unseen.bin"), help="a file for pictures to ask about")
    options = parser.parse_args()
    bucket, _, prefix = options.uri.removeprefix("s3://").rstrip("/").partition("/")
    random, s3 = np.random.default_rng(0), boto3.client("s3")
    for channel, count in (("train", options.count), ("validation", options.count // 5)):
        key = "/".join(filter(None, [prefix, channel, "data_batch.bin"]))
        s3.put_object(Bucket=bucket, Key=key, Body=pictures(count, random=random).tobytes())
        print(f"{count} pictures to s3://{bucket}/{key}")
    options.unseen.write_bytes(pictures(50, random=random).tobytes())
    print(f"50 more to {options.unseen}")


if __name__ == "__main__":
    main()
