"""Work in several threads: in order, and no more of it once it has failed."""

import threading

import pytest
from sagebridge.agent.transform.parallel import in_parallel


@pytest.mark.parametrize(
    ("reason", "items", "threads"),
    [("no work", [], 4), ("less than there are threads", [1, 2], 8), ("more", list(range(50)), 3), ("one", [1, 2], 1)],
)
def test_results_are_in_order(reason: str, items: list[int], threads: int) -> None:
    assert in_parallel(lambda item: item * 2, items, threads=threads) == [item * 2 for item in items], reason


def test_so_many_at_a_time() -> None:
    meeting = threading.Barrier(3, timeout=30)
    assert in_parallel(lambda item: (meeting.wait(), item)[1], [1, 2, 3], threads=3) == [1, 2, 3]


def test_the_first_failure_ends_it() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        done.append(item)
        if item == 2:
            raise ValueError(item)

    with pytest.raises(ValueError, match="2"):
        in_parallel(work, [1, 2, 3, 4], threads=1)
    assert done == [1, 2]
