"""Work on all cores that outlives its workers: a process that dies costs the item that killed it, not the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.context import BaseContext
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def run_pool(
    work: Callable[[list[T]], list[R]],
    chunks: Sequence[list[T]],
    *,
    workers: int,
    context: BaseContext,
    lost: Callable[[T], R],
) -> Iterator[R]:
    """`work` on every chunk, results as they come. `lost` makes the result of an item that kills its worker."""
    unfinished = []
    with ProcessPoolExecutor(max_workers=workers, mp_context=context) as pool:
        futures: dict[Future[list[R]], list[T]] = {}
        for chunk in chunks:
            try:
                futures[pool.submit(work, chunk)] = chunk
            except BrokenProcessPool:
                unfinished.append(chunk)
        for future in as_completed(futures):
            try:
                yield from future.result()
            except BrokenProcessPool:
                unfinished.append(futures[future])
    for chunk in unfinished:
        yield from _alone(work, chunk, context=context, lost=lost)


def _alone(
    work: Callable[[list[T]], list[R]], chunk: list[T], *, context: BaseContext, lost: Callable[[T], R]
) -> Iterator[R]:
    """A chunk in a process of its own; when that dies, its halves, until the item that kills is found."""
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            results = pool.submit(work, chunk).result()
    except BrokenProcessPool:
        if len(chunk) == 1:
            yield lost(chunk[0])
            return
        middle = len(chunk) // 2
        for half in (chunk[:middle], chunk[middle:]):
            yield from _alone(work, half, context=context, lost=lost)
    else:
        yield from results
