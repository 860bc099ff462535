"""Work on many things at a time, in threads that nobody has to wait for when the pod is ended."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

S = TypeVar("S")
T = TypeVar("T")


def in_parallel(work: Callable[[S], T], items: Sequence[S], *, threads: int) -> list[T]:
    """Do the work for each item, so many at a time; the results in order. Blocks.

    Raises:
        Exception: the first that the work raised; nothing more is begun after it.
    """
    results: dict[int, T] = {}
    failures: list[Exception] = []
    left = iter(list(enumerate(items)))
    turn = threading.Lock()

    def run() -> None:
        while not failures:
            with turn:
                taken = next(left, None)
            if taken is None:
                return
            try:
                results[taken[0]] = work(taken[1])
            except Exception as error:  # noqa: BLE001 - raised again, where somebody waits for it
                failures.append(error)

    workers = [threading.Thread(target=run, daemon=True) for _ in range(min(threads, len(items)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    return [results[index] for index in range(len(items))]
